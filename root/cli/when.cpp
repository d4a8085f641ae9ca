#include "root/cli/when.h"

#include <charconv>

#include <fmt/format.h>

namespace banyan::cli {

namespace {

std::optional<int> digits(std::string_view text, std::size_t at, std::size_t count) {
  if (at + count > text.size()) return std::nullopt;
  int value = 0;
  const char* end = text.data() + at + count;
  const auto parsed = std::from_chars(text.data() + at, end, value);
  if (parsed.ec != std::errc{} || parsed.ptr != end || value < 0) return std::nullopt;
  return value;
}

// The fraction after the seconds in milliseconds; `at` moves behind it.
int fraction_ms(std::string_view text, std::size_t& at) {
  if (at >= text.size() || text[at] != '.') return 0;
  int value = 0, scale = 100;
  for (++at; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
    value += (text[at] - '0') * scale;
    scale /= 10;
  }
  return value;
}

std::optional<seconds> zone(std::string_view text) {
  if (text == "Z" || text == "z") return seconds{0};
  if (text.size() != 6 || text[3] != ':' || (text[0] != '+' && text[0] != '-')) return std::nullopt;
  const auto hours = digits(text, 1, 2), minutes = digits(text, 4, 2);
  if (!hours || !minutes) return std::nullopt;
  const seconds offset{*hours * 3600 + *minutes * 60};
  return text[0] == '-' ? -offset : offset;
}

milliseconds time_of_day(WallTime time, seconds utc_offset) {
  const auto local = time + utc_offset;
  return std::chrono::duration_cast<milliseconds>(local -
                                                  std::chrono::floor<std::chrono::days>(local));
}

}  // namespace

std::optional<WallTime> parse_rfc3339(std::string_view text) {
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' || text[13] != ':' || text[16] != ':') {
    return std::nullopt;
  }
  const auto year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2);
  const auto hour = digits(text, 11, 2), minute = digits(text, 14, 2), second = digits(text, 17, 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  std::size_t at = 19;
  const int ms = fraction_ms(text, at);
  const auto offset = zone(text.substr(at));
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!offset || !date.ok()) return std::nullopt;
  const auto since_midnight = seconds{*hour * 3600 + *minute * 60 + *second} - *offset;
  return WallTime{std::chrono::sys_days{date} + since_midnight + milliseconds{ms}};
}

std::string clock_text(WallTime time, seconds utc_offset) {
  return clock_text_ms(time, utc_offset).substr(0, 8);
}

std::string clock_text_ms(WallTime time, seconds utc_offset) {
  const auto ms = time_of_day(time, utc_offset).count();
  return fmt::format("{:02}:{:02}:{:02}.{:03}", ms / 3600000, ms / 60000 % 60, ms / 1000 % 60,
                     ms % 1000);
}

}  // namespace banyan::cli
