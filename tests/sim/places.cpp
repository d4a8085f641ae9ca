#include "tests/sim/places.h"

#include <algorithm>

namespace banyan::sim {
namespace {

bool is_it(const tree::Mirror::Node& node, const NodeHost& host) {
  if (node.name() != host.spec().name) return false;
  if (const auto fact = node.fact()) return fact->instance() == host.instance();
  const auto link = node.link();
  return !link || link->instance() == host.instance();
}

void search(const tree::Mirror::Node& node, const NodeHost& host,
            std::vector<const tree::Mirror::Node*>& found) {
  for (const auto& child : node.children()) {
    if (is_it(*child, host)) found.push_back(child.get());
    search(*child, host, found);
  }
}

}  // namespace

bool is_orphaned(const World& world, const NodeHost& host) {
  const auto& parents = host.spec().parents;
  return !parents.empty() && std::all_of(parents.begin(), parents.end(), [&](const auto& name) {
    const NodeHost& parent = world.host(name);
    return !parent.runs() || is_orphaned(world, parent);
  });
}

bool has_living_double(const World& world, const NodeHost& host) {
  return std::any_of(world.hosts().begin(), world.hosts().end(), [&](const auto& each) {
    const NodeHost& other = *each.second;
    return other.runs() && &other != &host && other.spec().name == host.spec().name;
  });
}

std::vector<const tree::Mirror::Node*> places_of(const NodeHost& seer, const NodeHost& host) {
  std::vector<const tree::Mirror::Node*> found;
  if (seer.mirror() != nullptr) search(seer.mirror()->top(), host, found);
  return found;
}

}  // namespace banyan::sim
