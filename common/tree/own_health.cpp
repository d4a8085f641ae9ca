#include "common/tree/own_health.h"

#include <algorithm>

namespace banyan::tree {
namespace {

Duration of_child(Duration lateness) {
  return lateness > lateness_ignored ? lateness : Duration{0};
}

}  // namespace

void OwnHealth::was_late(Duration late, Time now) {
  if (late <= lateness_ignored) return;
  until_ = std::max(until_, now + std::min(late, most_));
}

Duration OwnHealth::own(Time now) const { return std::max(until_ - now, Duration{0}); }

Duration OwnHealth::credit(Duration childs_lateness, Time now) const {
  return std::min(own(now) + std::min(of_child(childs_lateness), most_), most_);
}

// The clock behind runs as fast as the real one, or twice as fast while the credit fades.
Time OwnHealth::due(Time at, Duration childs_lateness) const {
  const Duration childs = std::min(of_child(childs_lateness), most_);
  const Time capped = after(at, most_);
  if (at == never || own(capped) + childs >= most_) return capped;
  const Time steady = after(at, childs);
  if (steady >= until_) return steady;
  return steady + (until_ - steady) / 2;
}

}  // namespace banyan::tree
