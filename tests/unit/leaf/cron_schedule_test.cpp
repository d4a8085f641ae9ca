#include "leaf/cron_schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "leaf/cron_plan.h"

namespace banyan::leaf {
namespace {

using namespace std::chrono_literals;
using std::chrono::local_days;

LocalMinute at(int year, unsigned month, unsigned day, std::chrono::minutes of_day) {
  const std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month{month},
                                         std::chrono::day{day}};
  return local_days{date} + of_day;
}

LocalMinute next(std::string_view text, LocalMinute after) {
  const auto schedule = parse_cron(text);
  EXPECT_TRUE(schedule.has_value()) << text;
  return *next_occurrence(*schedule, after);
}

TEST(CronSchedule, FindsTheNextMinuteAfterTheGivenOne) {
  const auto noon = at(2026, 3, 1, 12h);  // a Sunday
  EXPECT_EQ(next("* * * * *", noon), noon + 1min);
  EXPECT_EQ(next("*/5 * * * *", noon), noon + 5min);
  EXPECT_EQ(next("0 12 * * *", noon), noon + 24h);
  EXPECT_EQ(next("30 8-18/2 * * *", noon), noon + 30min);
  EXPECT_EQ(next("59 23 31 12 *", noon), at(2026, 12, 31, 23h + 59min));
  EXPECT_EQ(next("0 0 * * mon-fri", noon), at(2026, 3, 2, 0min));
  EXPECT_EQ(next("0 0 * * 7", noon), at(2026, 3, 8, 0min));
  EXPECT_EQ(next("5,10 0 1 jan,JUN *", noon), at(2026, 6, 1, 5min));
  EXPECT_EQ(next("@hourly", noon), noon + 1h);
}

TEST(CronSchedule, TakesDayOrWeekdayWhenBothAreNarrowed) {
  EXPECT_EQ(next("0 0 13 * fri", at(2026, 3, 1, 0min)), at(2026, 3, 6, 0min));
  EXPECT_EQ(next("0 0 13 * *", at(2026, 3, 1, 0min)), at(2026, 3, 13, 0min));
}

TEST(CronSchedule, WaitsForALeapDay) {
  EXPECT_EQ(next("0 0 29 2 *", at(2096, 3, 1, 0min)), at(2104, 2, 29, 0min));
}

TEST(CronSchedule, RefusesWhatIsNoSchedule) {
  for (const auto* text : {"", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *",
                           "* * * 13 *", "* * * * 8", "5-1 * * * *", "*/0 * * * *", "a * * * *",
                           "1- * * * *", "0 0 30 2 *", "@often", "1,,2 * * * *", "-5 * * * *"}) {
    EXPECT_FALSE(parse_cron(text).has_value()) << text;
  }
}

class PlanBench {
 public:
  explicit PlanBench(std::string_view text) : schedule(*parse_cron(text)) {
    now.wall = wall_from_ms(1'772'366'400'000);  // 2026-03-01T12:00:00Z
    plan.plan(schedule, now);
  }
  void pass(Duration time) {
    now.time += time;
    now.wall += std::chrono::duration_cast<milliseconds>(time);
  }
  bool due() { return plan.due(schedule, now); }

  std::optional<CronSchedule> schedule;
  Now now{Time{} + seconds{1000}, {}, {}};
  CronPlan plan;
};

TEST(CronPlan, IsDueOnceInItsMinute) {
  PlanBench bench{"5 12 * * *"};
  int times = 0;
  for (int i = 0; i < 600; ++i) {
    bench.pass(seconds{1});
    times += bench.due() ? 1 : 0;
  }
  EXPECT_EQ(times, 1);
  EXPECT_EQ(rfc3339(*bench.plan.next_run()), "2026-03-02T12:05:00.000Z");
}

TEST(CronPlan, CountsInLocalTime) {
  PlanBench bench{"0 14 * * *"};
  bench.now.utc_offset = seconds{7200};
  bench.plan.plan(bench.schedule, bench.now);
  EXPECT_EQ(rfc3339(*bench.plan.next_run()), "2026-03-02T12:00:00.000Z") << "14:00 is now";
}

TEST(CronPlan, SkipsARunThatWasSleptThrough) {
  PlanBench bench{"5 12 * * *"};
  bench.pass(std::chrono::hours{3});
  EXPECT_FALSE(bench.due());
  EXPECT_EQ(rfc3339(*bench.plan.next_run()), "2026-03-02T12:05:00.000Z");
}

TEST(CronPlan, FollowsAWallClockThatJumps) {
  PlanBench bench{"5 12 * * *"};
  bench.now.wall += std::chrono::minutes{4};
  bench.pass(seconds{60});
  EXPECT_TRUE(bench.due());
}

TEST(CronPlan, NeverWakesInThePast) {
  PlanBench bench{"*/7 * * * *"};
  for (int i = 0; i < 200; ++i) {
    bench.now.wall += milliseconds{500};
    bench.pass(bench.plan.next_deadline() - bench.now.time);
    bench.due();
    EXPECT_GT(bench.plan.next_deadline(), bench.now.time);
  }
}

}  // namespace
}  // namespace banyan::leaf
