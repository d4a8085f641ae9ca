#include "common/tree/counts.h"

#include <numeric>

namespace banyan::tree {

Counts& Counts::operator+=(const Counts& other) {
  for (std::size_t i = 0; i < nodes.size(); ++i) nodes[i] += other.nodes[i];
  for (std::size_t i = 0; i < targets.size(); ++i) targets[i] += other.targets[i];
  presumed += other.presumed;
  as_wanted += other.as_wanted;
  return *this;
}

Counts& Counts::operator-=(const Counts& other) {
  for (std::size_t i = 0; i < nodes.size(); ++i) nodes[i] -= other.nodes[i];
  for (std::size_t i = 0; i < targets.size(); ++i) targets[i] -= other.targets[i];
  presumed -= other.presumed;
  as_wanted -= other.as_wanted;
  return *this;
}

std::int64_t Counts::nodes_total() const {
  return std::accumulate(nodes.begin(), nodes.end(), std::int64_t{0});
}

std::int64_t Counts::targets_total() const {
  return std::accumulate(targets.begin(), targets.end(), presumed);
}

Counts Counts::behind_a_break() const {
  Counts hidden;
  const auto left = static_cast<std::size_t>(NodeState::left);
  hidden.nodes[left] = nodes[left];
  hidden.nodes[static_cast<std::size_t>(NodeState::unreachable)] = nodes_total() - nodes[left];
  hidden.presumed = targets_total();
  return hidden;
}

const char* name_of(NodeState state) {
  switch (state) {
    case NodeState::up:
      return "up";
    case NodeState::suspect:
      return "suspect";
    case NodeState::lost:
      return "lost";
    case NodeState::left:
      return "left";
    case NodeState::unreachable:
      return "unreachable";
  }
  return "unknown";
}

const char* name_of(v1::TargetState state) {
  static constexpr const char* names[target_states] = {"unknown",     "pending",  "starting",
                                                       "running",     "stopping", "stopped",
                                                       "backing_off", "exited",   "failed"};
  const auto index = static_cast<std::size_t>(state);
  return index < target_states ? names[index] : names[0];
}

}  // namespace banyan::tree
