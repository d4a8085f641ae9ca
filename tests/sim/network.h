#pragma once
// Simulated connections between hosts: frames in order with a random delay, each direction on its
// own.
//
//   sever   the connection is gone, and everything in flight with it
//   hold    a direction stands still for a time: what is sent meanwhile waits, as in TCP's buffers,
//           and arrives late
//   lose    the next frame of a living session vanishes
//   block   no new connection comes about between the two
//
// Conditions hold between two hosts, whatever connections come and go.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "common/base/random.h"
#include "common/tree/node_event.h"
#include "tests/sim/frame_tap.h"
#include "tests/sim/tamper.h"

namespace banyan::sim {

struct Delay {
  Duration min = milliseconds{1};
  Duration max = milliseconds{20};
};

enum class Direction { up, down };

struct Link {
  std::string child;
  std::string parent;
  std::uint64_t child_life = 0;
  std::uint64_t parent_life = 0;
  tree::ConnId child_conn = 0;
  tree::ConnId parent_conn = 0;
  bool open = true;
  bool hung_up = false;  // by the child: what it said before still arrives
  Time free_up{};        // frames keep their order
  Time free_down{};
  TamperedLink tampered;

  Time& free(Direction direction) { return direction == Direction::up ? free_up : free_down; }
};

class Network {
 public:
  Network(std::uint64_t seed, Delay delay) : random_(seed), delay_(delay) {}

  std::shared_ptr<Link> connect(const std::string& child, const std::string& parent);
  // When the frame arrives, changed by what tampers with it; nothing when it is lost.
  std::optional<Time> carry(Link& link, Direction direction, std::string& bytes, Time now);

  void hold(const std::string& child, const std::string& parent, Direction direction, Time until);
  void lose(const std::string& child, const std::string& parent, Direction direction);
  void block(const std::string& child, const std::string& parent, Time until);
  bool is_blocked(const std::string& child, const std::string& parent, Time now) const;
  void set_delay(Delay delay) { delay_ = delay; }
  // All conditions end; what was held is on its way.
  void heal(Time now);

  FrameTap& tap() { return tap_; }
  const FrameTap& tap() const { return tap_; }
  Tamper& tamper() { return tamper_; }
  std::uint64_t lost() const { return lost_; }

 private:
  struct Condition {
    Time held_up{};
    Time held_down{};
    Time blocked{};
    unsigned lose_up = 0;
    unsigned lose_down = 0;
  };
  using Pair = std::pair<std::string, std::string>;

  Random random_;
  Delay delay_;
  std::map<Pair, Condition> conditions_;
  FrameTap tap_;
  Tamper tamper_;
  std::uint64_t last_conn_ = 0;
  std::uint64_t lost_ = 0;
};

}  // namespace banyan::sim
