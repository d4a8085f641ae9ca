#pragma once
// How far a judge trusts its own clockwork. Whoever has just been late itself, or has heard of a
// child that it was late, gives the benefit of that time before it accuses: a starved judge is more
// often the cause of a silence than a dead child is.
//
// Lateness of more than 20 ms is remembered, and fades as fast as time passes: a silence that
// begins after it is found as soon as ever. All credit together is at most `most` (the judge's
// timeout). Pure; times are the judge's own.

#include "common/base/time.h"

namespace banyan::tree {

inline constexpr Duration lateness_ignored = milliseconds{20};

class OwnHealth {
 public:
  explicit OwnHealth(Duration most) : most_(most) {}

  void was_late(Duration late, Time now);
  // What does not count against a child whose last beat told of this lateness of its own.
  Duration credit(Duration childs_lateness, Time now) const;
  // When a verdict of `at` is due by a clock that is behind by credit(). Never earlier than `at`.
  Time due(Time at, Duration childs_lateness) const;

 private:
  Duration own(Time now) const;

  Duration most_;
  Time until_{};  // nothing is left of what is remembered
};

}  // namespace banyan::tree
