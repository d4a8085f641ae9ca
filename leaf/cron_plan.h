#pragma once
// The next run of a scheduled target. Pure; owned by its machine.
//
// It wakes at least once a minute of waiting, because the wall clock may jump and the offset of
// local time changes: only the minute that local time shows then counts. A minute that was jumped
// over is skipped, and one that comes twice is used once.

#include <optional>

#include "common/base/time.h"
#include "leaf/cron_schedule.h"

namespace banyan::leaf {

class CronPlan {
 public:
  // Nothing is due any more without a schedule.
  void plan(const std::optional<CronSchedule>& schedule, Now now);
  // Whether the planned minute is the present one; then, and when it was missed, the next is
  // planned.
  bool due(const std::optional<CronSchedule>& schedule, Now now);

  Time next_deadline() const { return wake_at_; }
  std::optional<WallTime> next_run() const { return run_wall_; }

 private:
  void wake(Now now);

  std::optional<LocalMinute> run_at_;
  std::optional<WallTime> run_wall_;
  Time wake_at_ = never;
};

}  // namespace banyan::leaf
