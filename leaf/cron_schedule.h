#pragma once
// When a target is run by the calendar: five fields as cron(5) has them, in local time. Pure.
//
//   minute hour day-of-month month day-of-week     "*/5 8-18 * * mon-fri"
//   each a list of `*`, N, A-B, A-B/STEP, */STEP; months and weekdays also as three letters;
//   weekday 0 and 7 are Sunday; @hourly @daily @weekly @monthly @yearly
//
// When day and weekday are both narrowed, one of them is enough (as in Vixie cron).

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "common/base/result.h"

namespace banyan::leaf {

struct CronSchedule {
  std::uint64_t minutes = 0;  // bit N = minute N, and so on
  std::uint32_t hours = 0;
  std::uint32_t days = 0;
  std::uint32_t months = 0;
  std::uint32_t weekdays = 0;
  bool any_day = false;
  bool any_weekday = false;
  bool operator==(const CronSchedule&) const = default;
};

using LocalMinute = std::chrono::local_time<std::chrono::minutes>;

Result<CronSchedule> parse_cron(std::string_view text);

// The first minute later than `after`; nothing when there is none in ten years ("0 0 30 2 *").
std::optional<LocalMinute> next_occurrence(const CronSchedule& schedule, LocalMinute after);

}  // namespace banyan::leaf
