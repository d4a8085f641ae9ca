#pragma once
// The [security] table: paths made absolute, the files behind them read once so that every mistake
// is known before anything starts. Called by NodeReader only.

#include "common/io/config.h"

namespace banyan::io {

// `node` has its parents already; its `security` is filled in.
void read_security(ConfigReader& top, ConfigRole role, const ConfigInput& input,
                   tree::NodeConfig& node);

}  // namespace banyan::io
