#include "leaf/cron_plan.h"

#include <algorithm>

namespace banyan::leaf {
namespace {

using LocalTime = std::chrono::local_time<milliseconds>;

LocalTime local_of(Now now) { return LocalTime{now.wall.time_since_epoch() + now.utc_offset}; }

}  // namespace

void CronPlan::plan(const std::optional<CronSchedule>& schedule, Now now) {
  run_at_.reset();
  run_wall_.reset();
  wake_at_ = never;
  if (!schedule) return;
  run_at_ = next_occurrence(*schedule, std::chrono::floor<std::chrono::minutes>(local_of(now)));
  if (!run_at_) return;
  run_wall_ = now.wall + (LocalTime{*run_at_} - local_of(now));
  wake(now);
}

bool CronPlan::due(const std::optional<CronSchedule>& schedule, Now now) {
  if (!run_at_ || now.time < wake_at_) return false;
  const auto local = local_of(now);
  if (local < LocalTime{*run_at_}) {
    wake(now);
    return false;
  }
  const bool present = local < LocalTime{*run_at_} + std::chrono::minutes{1};
  plan(schedule, now);
  return present;
}

void CronPlan::wake(Now now) {
  const Duration rest = LocalTime{*run_at_} - local_of(now);
  wake_at_ = after(now.time, std::min<Duration>(rest, std::chrono::minutes{1}));
}

}  // namespace banyan::leaf
