#pragma once
// The load of this host, for gauges.

#include "common/tree/gauge_table.h"

namespace banyan::io {

// Load averages and the number of CPUs; all 0 when the system does not say. Any thread.
tree::HostLoad read_host_load();

}  // namespace banyan::io
