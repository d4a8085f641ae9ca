#include "common/view/wall_text.h"

#include <algorithm>

#include "common/base/units.h"

namespace banyan::view {
namespace {

namespace chr = std::chrono;

constexpr std::int64_t last_wall_ms = 253'402'300'799'999;  // the end of the year 9999

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Takes fixed fields off the front; once something does not fit, it stays bad.
class Fields {
 public:
  explicit Fields(std::string_view text) : rest_(text) {}

  int number(std::size_t digits) {
    int value = 0;
    if (rest_.size() < digits) ok_ = false;
    for (std::size_t i = 0; ok_ && i < digits; ++i) {
      if (!is_digit(rest_[i])) ok_ = false;
      value = value * 10 + (rest_[i] - '0');
    }
    if (ok_) rest_.remove_prefix(digits);
    return value;
  }
  bool skip(std::string_view any_of) {
    const bool fits = !rest_.empty() && any_of.find(rest_[0]) != std::string_view::npos;
    if (fits) rest_.remove_prefix(1);
    return fits;
  }
  void expect(std::string_view any_of) { ok_ = skip(any_of) && ok_; }
  // The digits of a fraction, in milliseconds; what is finer is cut off.
  int fraction() {
    int value = 0;
    int scale = 100;
    if (rest_.empty() || !is_digit(rest_[0])) ok_ = false;
    while (!rest_.empty() && is_digit(rest_[0])) {
      value += (rest_[0] - '0') * scale;
      scale /= 10;
      rest_.remove_prefix(1);
    }
    return value;
  }
  bool ends() const { return ok_ && rest_.empty(); }
  char head() const { return rest_.empty() ? '\0' : rest_[0]; }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

std::optional<WallTime> parse_rfc3339(std::string_view text) {
  Fields fields(text);
  const int year = fields.number(4);
  fields.expect("-");
  const auto month = static_cast<unsigned>(fields.number(2));
  fields.expect("-");
  const auto day = static_cast<unsigned>(fields.number(2));
  fields.expect("Tt ");
  const int hour = fields.number(2);
  fields.expect(":");
  const int minute = fields.number(2);
  fields.expect(":");
  const int second = fields.number(2);
  const int ms = fields.skip(".") ? fields.fraction() : 0;
  int offset = 0;
  if (!fields.skip("Zz")) {
    const int sign = fields.head() == '-' ? -1 : 1;
    fields.expect("+- ");  // a "+" that was not encoded in a query arrives as a blank
    const int hours = fields.number(2);
    fields.expect(":");
    offset = sign * (hours * 60 + fields.number(2));
  }
  const chr::year_month_day date{chr::year{year}, chr::month{month}, chr::day{day}};
  if (!fields.ends() || !date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  const auto time = chr::hours{hour} + chr::minutes{minute - offset} + chr::seconds{second};
  return WallTime{chr::sys_days{date} + time + milliseconds{ms}};
}

}  // namespace

Result<WallTime> parse_wall(std::string_view text, WallTime now) {
  const bool number = std::all_of(text.begin(), text.end(), is_digit);
  if (number && text.size() >= 9 && text.size() <= 14) {
    std::int64_t value = 0;
    for (const char c : text) value = value * 10 + (c - '0');
    return wall_from_ms(text.size() <= 11 ? value * 1000 : value);
  }
  if (const auto time = parse_rfc3339(text)) return *time;
  if (const auto age = parse_duration(text)) return now - chr::floor<milliseconds>(*age);
  return failure("not a time", {}, {}, "write 2026-03-01T12:00:00Z, or an age such as 10m");
}

std::string rfc3339_micro(std::int64_t time_ns) {
  time_ns = std::max<std::int64_t>(time_ns, 0);
  const auto time = chr::floor<milliseconds>(chr::nanoseconds{time_ns});
  const auto rest = chr::nanoseconds{time_ns} - time;
  std::string text = rfc3339(WallTime{time});
  text.pop_back();
  const auto micro = std::to_string(1000 + rest.count() / 1000);
  return text + micro.substr(1) + "Z";
}

std::string rfc3339_told(std::int64_t wall_ms) {
  return rfc3339(wall_from_ms(std::clamp<std::int64_t>(wall_ms, 0, last_wall_ms)));
}

std::optional<std::string> rfc3339_or_none(std::int64_t wall_ms) {
  if (wall_ms == 0) return std::nullopt;
  return rfc3339_told(wall_ms);
}

}  // namespace banyan::view
