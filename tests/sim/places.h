#pragma once
// Where a node is seen in a mirror: by its name and its instance.

#include <vector>

#include "tests/sim/world.h"

namespace banyan::sim {

// All places at which `seer` lists the node of this host; by name alone where no fact tells who it
// is.
std::vector<const tree::Mirror::Node*> places_of(const NodeHost& seer, const NodeHost& host);

// No parent it knows lives, or has a living one itself.
bool is_orphaned(const World& world, const NodeHost& host);
// Another living host calls itself by the same name.
bool has_living_double(const World& world, const NodeHost& host);

}  // namespace banyan::sim
