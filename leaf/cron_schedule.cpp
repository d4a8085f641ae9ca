#include "leaf/cron_schedule.h"

#include <array>
#include <bit>
#include <string>
#include <vector>

#include <fmt/format.h>

namespace banyan::leaf {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::local_days;
using std::chrono::minutes;

constexpr days horizon{3660};
constexpr std::string_view month_names = "jan feb mar apr may jun jul aug sep oct nov dec";
constexpr std::string_view weekday_names = "sun mon tue wed thu fri sat";

struct Field {
  std::string_view what;
  unsigned min;
  unsigned max;
  std::string_view names;  // three letters each, four apart
};

constexpr std::array<Field, 5> fields{{{"minute", 0, 59, {}},
                                       {"hour", 0, 23, {}},
                                       {"day", 1, 31, {}},
                                       {"month", 1, 12, month_names},
                                       {"weekday", 0, 7, weekday_names}}};

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto end = text.find(at);
    parts.push_back(text.substr(0, end));
    if (end == text.npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::optional<unsigned> number_of(std::string_view text, const Field& field) {
  std::string lower{text};
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  const auto named = lower.size() == 3 ? field.names.find(lower) : field.names.npos;
  if (named != field.names.npos && named % 4 == 0) {
    return field.min + static_cast<unsigned>(named / 4);
  }
  const bool digits =
      !text.empty() && text.size() <= 2 && text.find_first_not_of("0123456789") == text.npos;
  if (!digits) return std::nullopt;
  const auto number = static_cast<unsigned>(std::stoul(lower));
  if (number < field.min || number > field.max) return std::nullopt;
  return number;
}

// "*", "5", "1-5", "*/10", "8-18/2": bits
std::optional<std::uint64_t> range_of(std::string_view text, const Field& field) {
  const auto slash = text.find('/');
  const auto span = text.substr(0, slash);
  unsigned step = 1;
  if (slash != text.npos) {
    const auto found = number_of(text.substr(slash + 1), {"step", 1, 99, {}});
    if (!found) return std::nullopt;
    step = *found;
  }
  std::optional<unsigned> first = field.min;
  std::optional<unsigned> last = field.max;
  if (span != "*") {
    const auto dash = span.find('-');
    first = number_of(span.substr(0, dash), field);
    last = dash == span.npos ? first : number_of(span.substr(dash + 1), field);
    if (dash == span.npos && slash != text.npos) last = field.max;
  }
  if (!first || !last || *first > *last) return std::nullopt;
  std::uint64_t bits = 0;
  for (unsigned n = *first; n <= *last; n += step) bits |= 1ULL << n;
  return bits;
}

std::optional<std::uint64_t> list_of(std::string_view text, const Field& field) {
  std::uint64_t bits = 0;
  for (const auto part : split(text, ',')) {
    const auto range = range_of(part, field);
    if (!range) return std::nullopt;
    bits |= *range;
  }
  return bits;
}

std::string_view expand(std::string_view text) {
  if (text == "@hourly") return "0 * * * *";
  if (text == "@daily" || text == "@midnight") return "0 0 * * *";
  if (text == "@weekly") return "0 0 * * 0";
  if (text == "@monthly") return "0 0 1 * *";
  if (text == "@yearly" || text == "@annually") return "0 0 1 1 *";
  return text;
}

bool has(std::uint64_t bits, unsigned bit) { return (bits >> bit & 1U) != 0; }

bool runs_on(const CronSchedule& schedule, local_days day) {
  const std::chrono::year_month_day date{day};
  if (!has(schedule.months, static_cast<unsigned>(date.month()))) return false;
  const bool by_day = has(schedule.days, static_cast<unsigned>(date.day()));
  const bool by_weekday = has(schedule.weekdays, std::chrono::weekday{day}.c_encoding());
  const bool either = !schedule.any_day && !schedule.any_weekday;
  return either ? by_day || by_weekday : by_day && by_weekday;
}

// The first minute of a day that is not before `from`, counted from midnight.
std::optional<minutes> first_from(const CronSchedule& schedule, minutes from) {
  for (unsigned hour = static_cast<unsigned>(from / hours{1}); hour < 24; ++hour) {
    if (!has(schedule.hours, hour)) continue;
    const auto begin = hours{hour} < from ? (from - hours{hour}).count() : 0;
    const auto rest = schedule.minutes >> begin << begin;
    if (rest != 0) return hours{hour} + minutes{std::countr_zero(rest)};
  }
  return std::nullopt;
}

}  // namespace

Result<CronSchedule> parse_cron(std::string_view text) {
  std::vector<std::string_view> words;
  for (const auto word : split(expand(text), ' ')) {
    if (!word.empty()) words.push_back(word);
  }
  if (words.size() != fields.size()) {
    return failure("expected five fields", {}, {},
                   "write \"MINUTE HOUR DAY MONTH WEEKDAY\", like \"*/5 8-18 * * mon-fri\"");
  }
  std::array<std::uint64_t, fields.size()> bits{};
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const auto found = list_of(words[i], fields[i]);
    if (!found) {
      return failure(fmt::format("not a {}: \"{}\"", fields[i].what, words[i]), {}, {},
                     fmt::format("{} to {}, lists, A-B, */STEP", fields[i].min, fields[i].max));
    }
    bits[i] = *found;
  }
  CronSchedule schedule;
  schedule.minutes = bits[0];
  schedule.hours = static_cast<std::uint32_t>(bits[1]);
  schedule.days = static_cast<std::uint32_t>(bits[2]);
  schedule.months = static_cast<std::uint32_t>(bits[3]);
  schedule.weekdays = static_cast<std::uint32_t>((bits[4] | bits[4] >> 7) & 0x7f);
  schedule.any_day = words[2].starts_with('*');
  schedule.any_weekday = words[4].starts_with('*');
  if (!next_occurrence(schedule, LocalMinute{})) return failure("this day never comes");
  return schedule;
}

std::optional<LocalMinute> next_occurrence(const CronSchedule& schedule, LocalMinute after) {
  const auto start = after + minutes{1};
  auto day = std::chrono::floor<days>(start);
  minutes from = start - day;
  for (const auto end = day + horizon; day < end; day += days{1}, from = minutes{0}) {
    if (!runs_on(schedule, day)) continue;
    if (const auto found = first_from(schedule, from)) return day + *found;
  }
  return std::nullopt;
}

}  // namespace banyan::leaf
