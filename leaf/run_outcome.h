#pragma once
// The exit code of a leaf that supervises one command (`run = true`): as a shell has it. Pure.

#include <optional>

#include "leaf/target_status.h"

namespace banyan::leaf {

// Nothing while the target runs, or will run again. Its own exit code; 128 + signal; 127 when the
// program was not found, 126 when it could not be started.
std::optional<int> run_outcome(const TargetStatus& status);

}  // namespace banyan::leaf
