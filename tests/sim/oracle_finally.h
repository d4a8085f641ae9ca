#pragma once
// What must hold once everything is healed and quiet.

#include "tests/sim/findings.h"
#include "tests/sim/workload.h"

namespace banyan::sim {

// Pictures, places, targets, events, outcomes, streams.
void check_finally(World& world, const Workload& workload, Findings& findings);
// Nothing is left in tables; after the readers have gone and the requests' time is over.
void check_tables(const World& world, Findings& findings);

// Parts of it.
void check_pictures(const World& world, Findings& findings);
void check_places(const World& world, Findings& findings);
void check_acknowledged(const World& world, Findings& findings);
void check_events(const World& world, Findings& findings);
void check_commands(World& world, const Workload& workload, Findings& findings);
void check_readers(const World& world, const Workload& workload, Findings& findings);

}  // namespace banyan::sim
