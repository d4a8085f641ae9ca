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

Health health_of(tree::FactBrief target, bool presumed) {
  if (presumed) return Health::unknown;
  switch (target.target_state()) {
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
  switch (node.link_state()) {
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
  // Of a leaf it is soon found again: to remember a million of them would cost more.
  const bool remembered = !node.children().empty();
  const std::string path = remembered ? node.path() : std::string();
  if (const auto it = known_.find(path); remembered && it != known_.end()) return it->second;
  Health worst = Health::healthy;
  node.each_target([&](std::string_view, tree::FactBrief target) {
    worst = std::max(worst, health_of(target, false));
  });
  for (const auto& child : node.children()) worst = std::max(worst, as_child(*child));
  if (remembered) known_[path] = worst;
  return worst;
}

}  // namespace banyan::view
