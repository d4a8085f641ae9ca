#pragma once
// Health as a view over facts: one word for targets and nodes.
//
//   target  running: what its checks say, healthy without any · starting, pending: unknown, but a
//           scheduled one that waits for its next run: healthy · stopping: unknown while wanted
//           backing_off: degraded · failed: unhealthy · below a break: unknown
//           stopped, exited: healthy if that was wanted (an exit with success is)
//   node    the worst of itself (up: healthy, suspect: degraded, lost: unhealthy, unreachable and
//           left: unknown) and of what is below it; what left does not count for those above it
//
// Single threaded. The health of a node with children is remembered until something at or below it
// changes; cost of a question after a change: its way down, times the fan-out along it.

#include <string>
#include <unordered_map>

#include "common/tree/mirror.h"

namespace banyan::view {

enum class Health { healthy, unknown, degraded, unhealthy };  // the worse the greater

const char* name_of(Health health);
Health health_of(tree::FactBrief target, bool presumed);
inline Health health_of(const v1::TargetFact& target, bool presumed) {
  return health_of(tree::FactBrief::of(target), presumed);
}

class HealthView {
 public:
  explicit HealthView(const tree::Mirror& mirror) : mirror_(mirror) {}

  // To be told of every change, or else everything is worked out again.
  void on_changes(const tree::Changes& changes);
  Health of(const tree::Mirror::Node& node);

 private:
  Health inside(const tree::Mirror::Node& node);    // as if its link were up
  Health as_child(const tree::Mirror::Node& node);  // what it adds to its parent's

  const tree::Mirror& mirror_;
  std::unordered_map<std::string, Health> known_;  // of inside, by path
  std::uint64_t revision_ = 0;
};

}  // namespace banyan::view
