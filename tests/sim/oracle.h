#pragma once
// What must hold in a simulated world after a quiet time. Each returns what is wrong, line by line;
// empty = right.

#include <string>

#include "tests/sim/world.h"

namespace banyan::sim {

// Every living node is up at its parent, whose picture of it is what it says itself, all the way
// up; every dead one is still listed by a living parent that knew it.
std::string check_pictures(const World& world);
// No target runs twice; what the root shows of each is what its leaf knows.
std::string check_targets(const World& world);
// Nothing was repaired, lost or refused: for runs in which nothing broke.
std::string check_nothing_repaired(const World& world);

// Finally: every event that was ever kept by its origin is in the store, once, in order.
std::string check_events(const World& world);

}  // namespace banyan::sim
