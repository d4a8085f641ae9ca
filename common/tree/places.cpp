#include "common/tree/places.h"

#include <algorithm>
#include <map>

namespace banyan::tree {
namespace {

std::string instance_of(const Mirror::Node& node) {
  const auto link = node.link();
  return link ? link->instance() : std::string();
}

using Chosen = std::map<std::string, const Mirror::Node*>;  // by instance

Chosen chosen_of(const Mirror& mirror, const Selection& selection) {
  Chosen chosen;
  for (const TargetRef& target : selection.targets) {
    const auto instance = instance_of(*target.node);
    if (!mirror.doubled().contains(instance)) continue;
    const Mirror::Node*& best = chosen[instance];
    if (best == nullptr || beats(*target.node, *best)) best = target.node;
  }
  return chosen;
}

}  // namespace

std::uint64_t attach_of(const Mirror::Node& node) {
  const auto link = node.link();
  return link ? link->attach() : 0;
}

bool beats(const Mirror::Node& left, const Mirror::Node& right) {
  if (attach_of(left) != attach_of(right)) return attach_of(left) > attach_of(right);
  const bool both = left.parent() != nullptr && right.parent() != nullptr &&
                    left.parent() != right.parent() && left.parent()->has_link();
  if (both && instance_of(*left.parent()) == instance_of(*right.parent())) {
    return beats(*left.parent(), *right.parent());
  }
  return left.path() > right.path();
}

bool is_outdone(const Mirror& mirror, const Mirror::Node& node) {
  const std::string instance = instance_of(node);
  if (!mirror.doubled().contains(instance)) return false;
  const auto places = mirror.places_of(instance);
  return std::any_of(places.begin(), places.end(), [&node](const Mirror::Node* other) {
    return other != &node && beats(*other, node);
  });
}

void keep_one_place(const Mirror& mirror, Selection& selection) {
  if (mirror.doubled().empty()) return;
  const Chosen chosen = chosen_of(mirror, selection);
  std::erase_if(selection.targets, [&chosen](const TargetRef& target) {
    const auto it = chosen.find(instance_of(*target.node));
    return it != chosen.end() && it->second != target.node;
  });
}

}  // namespace banyan::tree
