#include "common/io/clock.h"

#include <ctime>

#include "common/base/check.h"

namespace banyan::io {
namespace {

Duration read(clockid_t clock) {
  timespec value{};
  CHECK(::clock_gettime(clock, &value) == 0);
  return seconds{value.tv_sec} + std::chrono::nanoseconds{value.tv_nsec};
}

}  // namespace

Now read_clock() {
  const Time time{read(CLOCK_BOOTTIME)};
  const auto wall = std::chrono::duration_cast<milliseconds>(read(CLOCK_REALTIME));
  return Now{time, WallTime{wall}};
}

}  // namespace banyan::io
