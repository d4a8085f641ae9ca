#pragma once
// The only place that reads clocks. Everything below common/io is told the time.

#include "common/base/time.h"

namespace banyan::io {

// CLOCK_BOOTTIME and CLOCK_REALTIME, one right after the other. Any thread; never fails.
Now read_clock();

}  // namespace banyan::io
