#pragma once
// When this node's beats were sent, to tell how long something lay in buffers on its way down: what
// the parent sent after it had answered beat k, and before it heard of the next, was sent at most
// about (now - when beat k was sent) ago. By this node's own clock alone.
//
//   age >= now - sent(k) - interval - best round trip, never below 0
//
// An estimate from below: in ordinary times it is 0. Beats that are not remembered any more count
// as the oldest one that is. Bound: max_beats.

#include <cstdint>
#include <deque>

#include "common/base/time.h"

namespace banyan::tree {

class BeatTimes {
 public:
  static constexpr std::size_t max_beats = 1024;

  void reset(Time now);  // a new session
  void sent(std::uint64_t number, Time now);
  void answered(std::uint64_t number, Time now);
  Duration age(std::uint64_t heard, Duration interval, Time now) const;
  Duration best_round_trip() const { return best_; }

 private:
  struct Beat {
    std::uint64_t number;
    Time at;
  };
  const Beat* find(std::uint64_t number) const;

  Time since_{};  // of the session: when its Hello was sent
  std::deque<Beat> beats_;
  Duration best_{0};
  bool any_answered_ = false;
};

}  // namespace banyan::tree
