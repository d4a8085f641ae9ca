#pragma once
// Times as people and scripts write them in queries. Pure.

#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/base/time.h"

namespace banyan::view {

// RFC 3339 ("2026-03-01T12:00:00.5Z", "+02:00", a blank for the T), whole seconds or milliseconds
// since 1970 ("1772366400", "1772366400123"), or an age before `now` ("10m").
Result<WallTime> parse_wall(std::string_view text, WallTime now);

// RFC 3339 with microseconds, of nanoseconds since 1970: what a log line carries.
std::string rfc3339_micro(std::int64_t time_ns);

// RFC 3339 of milliseconds since 1970 that somebody else said: kept within the years 1970 to 9999.
std::string rfc3339_told(std::int64_t wall_ms);

// The same, or nothing for 0 milliseconds (a time that is not known).
std::optional<std::string> rfc3339_or_none(std::int64_t wall_ms);

}  // namespace banyan::view
