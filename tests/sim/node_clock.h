#pragma once
// The clocks of one simulated host against the world's time: a monotonic one with its own zero and
// drift, a wall clock that may jump.

#include "common/base/time.h"

namespace banyan::sim {

class NodeClock {
 public:
  NodeClock() = default;
  // `zero`: what the monotonic clock shows at the world's beginning; `drift` in parts per million.
  NodeClock(Time zero, long drift, WallTime wall) : zero_(zero), drift_(drift), wall_(wall) {}

  Now at(Time world) const;
  // The first world time at which the host's clock shows `own`; `never` stays never.
  Time world_time(Time own) const;
  void jump(milliseconds by) { wall_ += by; }

 private:
  Time own(Time world) const;

  Time zero_{};
  long drift_ = 0;
  WallTime wall_{};
};

}  // namespace banyan::sim
