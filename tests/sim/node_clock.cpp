#include "tests/sim/node_clock.h"

namespace banyan::sim {

constexpr Duration::rep million = 1'000'000;

Time NodeClock::own(Time world) const {
  const Duration passed = world.time_since_epoch();
  return zero_ + passed + Duration{passed.count() / million * drift_};
}

Now NodeClock::at(Time world) const {
  Now now;
  now.time = own(world);
  now.wall = wall_ + std::chrono::duration_cast<milliseconds>(now.time - zero_);
  return now;
}

Time NodeClock::world_time(Time shown) const {
  if (shown == never) return never;
  const Duration passed = shown - zero_;
  Time world{passed - Duration{passed.count() / (million + drift_) * drift_}};
  while (own(world) < shown) world += std::chrono::microseconds{1};
  return world;
}

}  // namespace banyan::sim
