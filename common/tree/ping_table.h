#pragma once
// Pings on their way down through this node: each hop measures its own round trip, the answer
// carries them up, the nearest first. One that comes to no answer is answered after `patience`, or
// when the session it was handed to ends. Bounds: max_open. Single threaded.

#include <map>
#include <string>
#include <vector>

#include "common/tree/downlink.h"
#include "common/tree/turn.h"

namespace banyan::tree {

class PingTable {
 public:
  static constexpr std::size_t max_open = 1'000;
  static constexpr Duration patience = seconds{10};

  explicit PingTable(Downlink& downlink) : downlink_(downlink) {}

  // Paths from this node; answers go to `rising`, with the number that came from above.
  void on_ping(const v1::Ping& ping, Turn& turn, std::vector<v1::Pong>& rising);
  void on_pong(const std::string& child, const v1::Pong& pong, Now now,
               std::vector<v1::Pong>& rising);
  void on_child_gone(const std::string& child, std::vector<v1::Pong>& rising);
  void on_time(Time now, std::vector<v1::Pong>& rising);
  void clear() { open_.clear(); }
  Time next_deadline() const;

 private:
  struct Open {
    std::uint64_t above = 0;  // its number there
    std::string child;
    Time sent{};
  };
  Downlink& downlink_;
  std::map<std::uint64_t, Open> open_;  // oldest first
  std::uint64_t last_number_ = 0;
};

}  // namespace banyan::tree
