#include "common/tree/own_health.h"

#include <algorithm>

namespace banyan::tree {
namespace {

constexpr int fades_by = 4;

}  // namespace

void OwnHealth::was_late(Duration late, Time now) {
  if (late <= lateness_ignored) return;
  late_ = std::min(std::max(late, credit(now)), most_);
  at_ = now;
}

Duration OwnHealth::credit(Time now) const {
  return std::max(late_ - (now - at_) / fades_by, Duration{0});
}

Duration OwnHealth::credit_for(Duration childs_lateness, Time now) const {
  const Duration its_own = childs_lateness > lateness_ignored ? childs_lateness : Duration{0};
  return std::min(credit(now) + its_own, most_);
}

}  // namespace banyan::tree
