#pragma once
// How far a judge trusts its own clockwork. Whoever has just been late itself, or has heard of a
// child that it was late, gives the benefit of that time before it accuses: a starved judge is more
// often the cause of a silence than a dead child is.
//
// Lateness of more than 20 ms is remembered and fades by a quarter of the time that passes. All
// credit together is at most `most` (the judge's timeout), so that the dead are found in time.
// Pure; times are the judge's own.

#include "common/base/time.h"

namespace banyan::tree {

inline constexpr Duration lateness_ignored = milliseconds{20};

class OwnHealth {
 public:
  explicit OwnHealth(Duration most) : most_(most) {}

  void was_late(Duration late, Time now);
  // What counts against no child at all.
  Duration credit(Time now) const;
  // And against a child whose last beat told of this lateness of its own.
  Duration credit_for(Duration childs_lateness, Time now) const;

 private:
  Duration most_;
  Duration late_{0};
  Time at_{};
};

}  // namespace banyan::tree
