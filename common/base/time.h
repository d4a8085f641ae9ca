#pragma once
// Time as the pure core sees it: it is always told the time and never asks for it.
//
// Time      nanoseconds since the host booted (CLOCK_BOOTTIME: it counts suspend, it never jumps).
//           Every deadline and every age is computed with it.
// WallTime  milliseconds since 1970 (CLOCK_REALTIME: may jump). Only ever shown, never compared.
// Now       both, read at the same instant by the driver (daemon or simulator), and the offset of
//           local time at that instant: for calendars only.

#include <chrono>
#include <cstdint>
#include <string>

namespace banyan {

using Duration = std::chrono::nanoseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

// A clock without now(): the type system keeps the pure code from reading it.
struct BootClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BootClock>;
  static constexpr bool is_steady = true;
};

using Time = BootClock::time_point;
using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::milliseconds>;

inline constexpr Time never = Time::max();

struct Now {
  Time time{};
  WallTime wall{};
  seconds utc_offset{0};  // local time = wall + utc_offset
};

// Milliseconds since 1970, as on the wire.
std::int64_t wall_ms(WallTime time);
WallTime wall_from_ms(std::int64_t ms);

// RFC 3339 in UTC with milliseconds: 2026-03-01T12:00:00.123Z
std::string rfc3339(WallTime time);

// now + delay that stays at `never` instead of overflowing.
Time after(Time now, Duration delay);

}  // namespace banyan
