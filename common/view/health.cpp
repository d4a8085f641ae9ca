#include "common/view/health.h"

#include <algorithm>

#include "common/base/name.h"

namespace banyan::view {

const char* name_of(Health health) {
  switch (health) {
    case Health::healthy:
      return "healthy";
    case Health::unknown:
      return "unknown";
    case Health::degraded:
      return "degraded";
    case Health::unhealthy:
      return "unhealthy";
  }
  return "unknown";
}

namespace {

Health running_health(v1::Health health) {
  switch (health) {
    case v1::HEALTH_UNKNOWN:
      return Health::unknown;
    case v1::HEALTH_DEGRADED:
      return Health::degraded;
    case v1::HEALTH_UNHEALTHY:
      return Health::unhealthy;
    default:
      return Health::healthy;  // nobody looks at it, or it is
  }
}

}  // namespace

Health health_of(const v1::TargetFact& target, bool presumed) {
  if (presumed) return Health::unknown;
  switch (target.state()) {
    case v1::TARGET_STATE_RUNNING:
      return running_health(target.health());
    case v1::TARGET_STATE_PENDING:
      return target.wanted() ? Health::unknown : Health::healthy;  // a schedule's next run
    case v1::TARGET_STATE_STOPPING:
      return target.wanted() ? Health::unknown : Health::healthy;
    case v1::TARGET_STATE_STOPPED:
    case v1::TARGET_STATE_EXITED:  // after success it is not wanted any more
      return target.wanted() ? Health::unhealthy : Health::healthy;
    case v1::TARGET_STATE_BACKING_OFF:
      return Health::degraded;
    case v1::TARGET_STATE_FAILED:
      return Health::unhealthy;
    default:
      return Health::unknown;  // starting, and states of later versions
  }
}

void HealthView::on_changes(const tree::Changes& changes) {
  revision_ = std::min(revision_ + changes.size(), mirror_.revision());
  for (const auto& change : changes) {
    std::string_view path = change.key.path;
    known_.erase(std::string(path));
    while (!path.empty()) {
      path = split_last(path).first;
      known_.erase(std::string(path));
    }
  }
}

Health HealthView::of(const tree::Mirror::Node& node) {
  if (revision_ != mirror_.revision()) {
    known_.clear();
    revision_ = mirror_.revision();
  }
  switch (tree::state_of(node)) {
    case tree::NodeState::up:
      return inside(node);
    case tree::NodeState::suspect:
      return std::max(Health::degraded, inside(node));
    case tree::NodeState::lost:
      return Health::unhealthy;
    case tree::NodeState::left:
    case tree::NodeState::unreachable:
      return Health::unknown;
  }
  return Health::unknown;
}

Health HealthView::as_child(const tree::Mirror::Node& node) {
  const auto* link = tree::link_of(node);
  if (link == nullptr) return Health::unknown;
  switch (link->state()) {
    case v1::LINK_STATE_UP:
      return inside(node);
    case v1::LINK_STATE_SUSPECT:
      return std::max(Health::degraded, inside(node));
    case v1::LINK_STATE_LOST:
      return Health::unhealthy;
    case v1::LINK_STATE_LEFT:
      return Health::healthy;
    default:
      return Health::unknown;
  }
}

Health HealthView::inside(const tree::Mirror::Node& node) {
  if (const auto it = known_.find(node.path); it != known_.end()) return it->second;
  Health worst = Health::healthy;
  for (const auto& [name, target] : node.targets) worst = std::max(worst, health_of(target, false));
  for (const auto& [name, child] : node.children) worst = std::max(worst, as_child(*child));
  known_[node.path] = worst;
  return worst;
}

}  // namespace banyan::view
