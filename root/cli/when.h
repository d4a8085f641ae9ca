#pragma once
// Reading RFC 3339 and writing the time of day. Pure.

#include <optional>
#include <string>
#include <string_view>

#include "common/base/time.h"

namespace banyan::cli {

// 2026-03-01T12:00:00.123Z, also with an offset; nothing else.
std::optional<WallTime> parse_rfc3339(std::string_view text);

// hh:mm:ss (and .mmm) at the given offset from UTC.
std::string clock_text(WallTime time, seconds utc_offset);
std::string clock_text_ms(WallTime time, seconds utc_offset);

}  // namespace banyan::cli
