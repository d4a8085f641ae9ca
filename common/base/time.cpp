#include "common/base/time.h"

#include <fmt/format.h>

namespace banyan {

std::int64_t wall_ms(WallTime time) { return time.time_since_epoch().count(); }

WallTime wall_from_ms(std::int64_t ms) { return WallTime{milliseconds{ms}}; }

std::string rfc3339(WallTime time) {
  namespace chr = std::chrono;
  const auto day = chr::floor<chr::days>(time);
  const chr::year_month_day date{day};
  const chr::hh_mm_ss clock{time - day};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

Time after(Time now, Duration delay) {
  if (delay.count() > 0 && now > never - delay) return never;
  return now + delay;
}

}  // namespace banyan
