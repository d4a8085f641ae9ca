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

// Local time changes its offset at full quarters of an hour only, so it is looked up once in each.
seconds utc_offset_at(std::time_t wall) {
  constexpr std::time_t quarter = 900;
  thread_local std::time_t known = -1;
  thread_local seconds offset{0};
  if (known != wall / quarter) {
    std::tm local{};
    ::localtime_r(&wall, &local);
    offset = seconds{local.tm_gmtoff};
    known = wall / quarter;
  }
  return offset;
}

}  // namespace

Now read_clock() {
  const Time time{read(CLOCK_BOOTTIME)};
  const auto wall = std::chrono::duration_cast<milliseconds>(read(CLOCK_REALTIME));
  const auto since = std::chrono::duration_cast<seconds>(wall).count();
  return Now{time, WallTime{wall}, utc_offset_at(since)};
}

}  // namespace banyan::io
