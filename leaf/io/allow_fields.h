#pragma once
// `[allow]`: what may be asked of this leaf from above.
//
//   [allow]
//   verbs = ["restart", "signal"]
//   signals = ["HUP", "USR1"]

#include "common/io/config_reader.h"
#include "leaf/command_gate.h"

namespace banyan::leaf::io {

void read_allow(banyan::io::ConfigReader& top, AllowPolicy& allow);

}  // namespace banyan::leaf::io
