#include "leaf/io/line_level.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <utility>

namespace banyan::leaf {
namespace {

constexpr std::size_t text_looked_at = 256;

constexpr std::array<std::pair<std::string_view, unsigned>, 16> names{{
    {"trace", level_trace},
    {"debug", level_debug},
    {"info", level_info},
    {"information", level_info},
    {"notice", level_info},
    {"warn", level_warning},
    {"warning", level_warning},
    {"err", level_error},
    {"error", level_error},
    {"severe", level_error},
    {"crit", level_critical},
    {"critical", level_critical},
    {"fatal", level_critical},
    {"alert", level_critical},
    {"emerg", level_critical},
    {"panic", level_critical},
}};

const RE2& text_pattern() {
  static const RE2 pattern(
      R"((?i)(?:^|[^a-z0-9_])(trace|debug|info|information|notice|warn|warning|err|error|severe|)"
      R"(crit|critical|fatal|alert|emerg|panic)(?:[^a-z0-9_]|$))");
  return pattern;
}

const RE2& json_pattern() {
  static const RE2 pattern(
      R"re("(?i:level|severity|lvl|levelname|log\.level)"\s*:\s*(?:"([A-Za-z]+)"|(\d+)))re");
  return pattern;
}

std::optional<unsigned> level_named(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const auto& [known, level] : names) {
    if (known == name) return level;
  }
  return std::nullopt;
}

// bunyan, pino: 10 trace, 20 debug, 30 info, 40 warn, 50 error, 60 fatal
std::optional<unsigned> level_numbered(unsigned number) {
  if (number < 10 || number > 69) return std::nullopt;
  return number / 10;
}

// RFC 5424, 6.2.1: 0 emergency ... 7 debug
std::optional<unsigned> level_of_syslog(char digit) {
  constexpr std::array<unsigned, 8> levels{level_critical, level_critical, level_critical,
                                           level_error,    level_warning,  level_info,
                                           level_info,     level_debug};
  if (digit < '0' || digit > '7') return std::nullopt;
  return levels[static_cast<std::size_t>(digit - '0')];
}

std::optional<unsigned> level_of_klog(std::string_view line) {
  if (line.size() < 6 || line[5] != ' ') return std::nullopt;
  const bool digits = std::all_of(line.begin() + 1, line.begin() + 5,
                                  [](unsigned char c) { return std::isdigit(c) != 0; });
  if (!digits) return std::nullopt;
  if (line[0] == 'I') return level_info;
  if (line[0] == 'W') return level_warning;
  if (line[0] == 'E') return level_error;
  if (line[0] == 'F') return level_critical;
  return std::nullopt;
}

std::optional<unsigned> level_of_text(std::string_view line) {
  if (line.size() > 2 && line[0] == '<' && line[2] == '>') {
    if (const auto level = level_of_syslog(line[1])) return level;
  }
  if (const auto level = level_of_klog(line)) return level;
  line = line.substr(0, text_looked_at);
  std::string name;
  if (!RE2::PartialMatch(re2::StringPiece(line.data(), line.size()), text_pattern(), &name)) {
    return std::nullopt;
  }
  return level_named(std::move(name));
}

std::optional<unsigned> level_of_json(std::string_view line) {
  std::string name;
  std::string digits;
  if (!RE2::PartialMatch(re2::StringPiece(line.data(), line.size()), json_pattern(), &name,
                         &digits)) {
    return std::nullopt;
  }
  if (!name.empty()) return level_named(std::move(name));
  return digits.size() == 2 ? level_numbered(static_cast<unsigned>(std::stoul(digits)))
                            : std::nullopt;
}

}  // namespace

std::optional<unsigned> level_of_line(std::string_view line, LogParse parse) {
  return parse == LogParse::json ? level_of_json(line) : level_of_text(line);
}

bool continues(std::string_view line) {
  return line.starts_with(' ') || line.starts_with('\t') || line.starts_with("Caused by:");
}

}  // namespace banyan::leaf
