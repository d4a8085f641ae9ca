#include "common/base/units.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>

#include <fmt/format.h>

namespace banyan {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};

constexpr std::array<Unit, 8> duration_units{{{"ns", 1e-9},
                                              {"us", 1e-6},
                                              {"ms", 1e-3},
                                              {"s", 1},
                                              {"m", 60},
                                              {"min", 60},
                                              {"h", 3600},
                                              {"d", 86400}}};
constexpr std::array<Unit, 10> size_units{{{"", 1},
                                           {"B", 1},
                                           {"kB", 1e3},
                                           {"MB", 1e6},
                                           {"GB", 1e9},
                                           {"TB", 1e12},
                                           {"KiB", 1024.0},
                                           {"MiB", 1048576.0},
                                           {"GiB", 1073741824.0},
                                           {"TiB", 1099511627776.0}}};
constexpr double max_seconds = 36500.0 * 86400;
constexpr double max_size = 9e18;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

template <class Predicate>
std::string_view take_while(std::string_view& text, Predicate predicate) {
  const auto end = std::find_if_not(text.begin(), text.end(), predicate);
  const auto taken = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(taken.size());
  return taken;
}

// "1.5" without sign, exponent or locale. Long digit strings are refused before they can lose
// meaning.
std::optional<double> take_number(std::string_view& text) {
  const auto whole = take_while(text, is_digit);
  std::string_view fraction;
  if (!whole.empty() && text.size() > 1 && text[0] == '.' && is_digit(text[1])) {
    text.remove_prefix(1);
    fraction = take_while(text, is_digit);
  }
  if (whole.empty() || whole.size() > 18 || fraction.size() > 9) return std::nullopt;
  double value = 0;
  for (const char c : whole) value = value * 10 + (c - '0');
  double scale = 1;
  double rest = 0;
  for (const char c : fraction) {
    rest = rest * 10 + (c - '0');
    scale *= 10;
  }
  return value + rest / scale;
}

template <class Units>
const Unit* find_unit(const Units& units, std::string_view name) {
  const auto unit = std::find_if(units.begin(), units.end(),
                                 [name](const Unit& candidate) { return candidate.name == name; });
  return unit == units.end() ? nullptr : &*unit;
}

struct Signal {
  int number;
  std::string_view name;
};
constexpr std::array<Signal, 31> signals{
    {{1, "HUP"},   {2, "INT"},     {3, "QUIT"},  {4, "ILL"},     {5, "TRAP"},  {6, "ABRT"},
     {7, "BUS"},   {8, "FPE"},     {9, "KILL"},  {10, "USR1"},   {11, "SEGV"}, {12, "USR2"},
     {13, "PIPE"}, {14, "ALRM"},   {15, "TERM"}, {16, "STKFLT"}, {17, "CHLD"}, {18, "CONT"},
     {19, "STOP"}, {20, "TSTP"},   {21, "TTIN"}, {22, "TTOU"},   {23, "URG"},  {24, "XCPU"},
     {25, "XFSZ"}, {26, "VTALRM"}, {27, "PROF"}, {28, "WINCH"},  {29, "IO"},   {30, "PWR"},
     {31, "SYS"}}};

std::optional<int> small_number(std::string_view text) {
  if (text.empty() || text.size() > 2 || !std::all_of(text.begin(), text.end(), is_digit)) {
    return std::nullopt;
  }
  int number = 0;
  for (const char c : text) number = number * 10 + (c - '0');
  return number;
}

std::string upper(std::string_view text) {
  std::string out{text};
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return out;
}

std::string two_units(std::int64_t whole, std::string_view unit, std::int64_t rest,
                      std::string_view rest_unit) {
  if (rest == 0) return fmt::format("{}{}", whole, unit);
  return fmt::format("{}{}{}{}", whole, unit, rest, rest_unit);
}

std::string format_below_a_minute(Duration value) {
  const auto ns = value.count();
  if (ns < 10'000'000) {
    return fmt::format("{}.{}ms", ns / 1'000'000, ns % 1'000'000 / 100'000);
  }
  if (ns < 1'000'000'000) return fmt::format("0.{:02}s", ns / 10'000'000);
  return fmt::format("{}s", ns / 1'000'000'000);
}

}  // namespace

Result<Duration> duration_of_seconds(double count) {
  if (!(count >= 0)) return failure("a duration is never negative");
  if (count > max_seconds) return failure("a duration is at most 36500d");
  return Duration{std::llround(count * 1e9)};
}

Result<Duration> parse_duration(std::string_view text) {
  const auto bad = [] { return failure("not a duration", {}, {}, "write \"5s\" or 5.0"); };
  if (text.empty()) return bad();
  double sum = 0;
  bool only = true;
  while (!text.empty()) {
    const auto number = take_number(text);
    if (!number) return bad();
    const auto name = take_while(text, is_letter);
    const bool bare = name.empty() && only && text.empty();
    const auto* unit = find_unit(duration_units, bare ? "s" : name);
    if (unit == nullptr) return bad();
    sum += *number * unit->factor;
    only = false;
  }
  return duration_of_seconds(sum);
}

Result<std::uint64_t> parse_size(std::string_view text) {
  const auto number = take_number(text);
  const auto* unit = number ? find_unit(size_units, text) : nullptr;
  if (unit == nullptr) return failure("not a size", {}, {}, "write \"64MiB\" or 67108864");
  const double bytes = *number * unit->factor;
  if (bytes > max_size) return failure("a size is at most 8 EiB");
  return static_cast<std::uint64_t>(bytes);
}

Result<int> parse_signal(std::string_view text) {
  auto name = upper(text);
  if (name.starts_with("SIG")) name.erase(0, 3);
  for (const auto& signal : signals) {
    if (signal.name == name) return signal.number;
  }
  const auto number = small_number(text);
  if (number && *number >= 1 && *number <= signal_max) return *number;
  return failure("not a signal", {}, {}, "write \"TERM\" or 15");
}

std::string format_duration(Duration value) {
  if (value < Duration::zero())
    return "-" + format_duration(value == Duration::min() ? Duration::max() : -value);
  if (value == Duration::zero()) return "0s";
  if (value < seconds{60}) return format_below_a_minute(value);
  const auto total = std::chrono::duration_cast<seconds>(value).count();
  if (total < 3600) return two_units(total / 60, "m", total % 60, "s");
  if (total < 86400) return two_units(total / 3600, "h", total % 3600 / 60, "m");
  if (total < 3 * 86400) return two_units(total / 86400, "d", total % 86400 / 3600, "h");
  return fmt::format("{}d", total / 86400);
}

std::string exact_duration(Duration value) {
  const auto count = [value](Duration unit) { return value.count() / unit.count(); };
  const auto divides = [value](Duration unit) { return value.count() % unit.count() == 0; };
  using std::chrono::hours;
  using std::chrono::minutes;
  if (value == Duration::zero()) return "0s";
  if (divides(hours{1})) return fmt::format("{}h", count(hours{1}));
  if (divides(minutes{1})) return fmt::format("{}m", count(minutes{1}));
  if (divides(seconds{1})) return fmt::format("{}s", count(seconds{1}));
  if (value < seconds{1} && divides(milliseconds{1})) {
    return fmt::format("{}ms", count(milliseconds{1}));
  }
  auto text = fmt::format("{:.9f}", static_cast<double>(value.count()) / 1e9);
  text.erase(text.find_last_not_of('0') + 1);
  return text + "s";
}

std::string format_size(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 7> names{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  std::size_t step = 0;
  std::uint64_t unit = 1;
  while (step + 1 < names.size() && bytes / unit >= 1024) {
    unit *= 1024;
    ++step;
  }
  const auto whole = bytes / unit;
  const auto tenth = unit == 1 ? 0 : bytes % unit / (unit / 1024) * 10 / 1024;
  if (whole >= 10 || tenth == 0) return fmt::format("{} {}", whole, names[step]);
  return fmt::format("{}.{} {}", whole, tenth, names[step]);
}

std::string signal_name(int number) {
  for (const auto& signal : signals) {
    if (signal.number == number) return std::string{signal.name};
  }
  return std::to_string(number);
}

}  // namespace banyan
