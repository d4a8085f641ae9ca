#pragma once
// How grave a line of a log is, as far as it says so itself. Any thread.
//
//   text   the first word in its first 256 bytes that names a level, alone or as level=NAME;
//          `<3>` as syslog and systemd put it; `E0131 ` as klog does
//   json   the member level, severity, lvl, levelname or log.level: a name, or a number as bunyan
//          and pino (30 = info) have it

#include <cstdint>
#include <optional>
#include <string_view>

#include "leaf/target_config.h"

namespace banyan::leaf {

// As LogQuery::level counts them.
inline constexpr unsigned level_trace = 1;
inline constexpr unsigned level_debug = 2;
inline constexpr unsigned level_info = 3;
inline constexpr unsigned level_warning = 4;
inline constexpr unsigned level_error = 5;
inline constexpr unsigned level_critical = 6;

std::optional<unsigned> level_of_line(std::string_view line, LogParse parse);

// A line that belongs to the one before it, as those of a stack trace do.
bool continues(std::string_view line);

}  // namespace banyan::leaf
