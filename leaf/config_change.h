#pragma once
// What a changed configuration of a target means. Pure.

#include "leaf/target_config.h"

namespace banyan::leaf {

// The two launch the same process in the same way: they differ, if at all, in what the supervisor
// does with it. A key that is not named in config_change.cpp counts as part of the launch.
bool is_same_launch(const TargetConfig& before, const TargetConfig& after);

}  // namespace banyan::leaf
