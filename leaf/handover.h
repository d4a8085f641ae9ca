#pragma once
// What a leaf hands to the program that replaces it in the same process: the part that is about its
// targets, on the wire and back. Pure functions.

#include <vector>

#include "banyan/v1/handover.pb.h"
#include "leaf/adoption.h"

namespace banyan::leaf {

void hold_positions(const std::vector<TargetPosition>& positions, v1::Handover& handover);
// The reverse; with a memory for each target. A run that was being replaced counts as changed: the
// next program replaces it. Of the others it has nothing to tell; what was starting is starting.
void add_positions(const v1::Handover& handover, Legacy& legacy);

}  // namespace banyan::leaf
