#pragma once
// Requests on their way down through this node: split per child, one outcome per target back up.
//
// A target that cannot be handed to a session is `unreachable` at once (final). What was handed to
// a session that ended is `in_doubt` (not final): it may have run. An entry is dropped when it is
// answered, or 10 s after its time is over. Bounded: max_entries; beyond it a request is refused
// whole, target by target, as `rejected`.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/tree/downlink.h"
#include "common/tree/turn.h"

namespace banyan::tree {

class RequestTable {
 public:
  static constexpr std::size_t max_entries = 10'000;
  static constexpr std::size_t targets_per_frame = 500;
  static constexpr Duration kept_after_ttl = seconds{10};

  explicit RequestTable(Downlink& downlink) : downlink_(downlink) {}

  // Outcomes known at once are appended to `rising`.
  void route(const v1::Request& request, Turn& turn, std::vector<v1::Outcomes>& rising);
  // An answer of a child (paths from this node): marks what is answered.
  void on_outcomes(const std::string& child, const v1::Outcomes& outcomes);
  void on_child_gone(const std::string& child, std::vector<v1::Outcomes>& rising);
  // The session above ended: nobody waits here any more.
  void clear() { entries_.clear(); }
  void on_time(Time now);
  Time next_deadline() const { return earliest_; }
  std::size_t size() const { return entries_.size(); }

 private:
  using Key = std::pair<std::string, std::string>;  // node path, target
  struct Entry {
    std::map<std::string, std::set<Key>> open;  // by child
    Time drop_at{};
  };
  class OutcomeParts;
  void forget(const v1::RequestTarget& target, OutcomeParts& outcomes, Turn& turn);
  void hand_down(const v1::Request& request, const std::string& child,
                 const std::vector<const v1::RequestTarget*>& targets, Turn& turn);

  Downlink& downlink_;
  std::map<std::string, Entry> entries_;  // by id
  Time earliest_ = never;                 // a lower bound of all drop_at
};

}  // namespace banyan::tree
