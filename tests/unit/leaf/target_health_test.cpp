// Health, apart from state; the watchdog; what a target says of itself.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/leaf/target_bench.h"

namespace banyan::leaf {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TargetConfig checked_config(bool restart = false) {
  auto config = TargetBench::default_config();
  config.health.check.kind = CheckKind::exec;
  config.health.every = seconds{10};
  config.health.delay = seconds{5};
  config.health.failures = 3;
  config.health.restart = restart;
  return config;
}

TargetConfig watched_config() {
  auto config = TargetBench::default_config();
  config.watchdog = seconds{2};
  return config;
}

Notified watchdog() {
  Notified said;
  said.watchdog = true;
  return said;
}

void fail_checks(TargetBench& bench, int times) {
  for (int i = 0; i < times; ++i) {
    bench.pass(seconds{10});
    bench.checked(Health::unhealthy, "500 Internal Server Error");
  }
}

TEST(TargetHealth, IsNotJudgedWithoutACheck) {
  auto bench = TargetBench::running();
  EXPECT_FALSE(bench.status().health.has_value());
}

TEST(TargetHealth, IsUnknownUntilTheFirstCheckAfterItsDelay) {
  auto bench = TargetBench::running(checked_config());
  EXPECT_EQ(bench.status().health, Health::unknown);
  bench.pass(milliseconds{4999});
  EXPECT_THAT(bench.checks<RunCheck>(), IsEmpty());
  bench.pass(milliseconds{1});
  EXPECT_EQ(bench.checks<RunCheck>().size(), 1U);
  bench.checked(Health::healthy);
  EXPECT_EQ(bench.status().health, Health::healthy);
  EXPECT_THAT(bench.notices<HealthChanged>(), IsEmpty()) << "that is no news";
}

TEST(TargetHealth, TurnsOnlyAfterSoManyFailuresInARow) {
  auto bench = TargetBench::running(checked_config());
  fail_checks(bench, 2);
  bench.pass(seconds{10});
  bench.checked(Health::healthy);
  fail_checks(bench, 2);
  EXPECT_EQ(bench.status().health, Health::healthy);
  fail_checks(bench, 1);
  EXPECT_EQ(bench.status().health, Health::unhealthy);
  EXPECT_EQ(bench.status().health_text, "500 Internal Server Error");
  EXPECT_EQ(bench.notices<HealthChanged>().size(), 1U);
  EXPECT_EQ(bench.state(), TargetState::running) << "health is apart from state";
  bench.pass(seconds{10});
  bench.checked(Health::healthy);
  EXPECT_EQ(bench.status().health, Health::healthy);
  EXPECT_EQ(bench.status().health_text, "");
}

TEST(TargetHealth, ShowsDegradedAtOnceAndUnknownCountsForNothing) {
  auto bench = TargetBench::running(checked_config());
  fail_checks(bench, 2);
  bench.pass(seconds{10});
  bench.checked(Health::unknown, "no data");
  EXPECT_EQ(bench.status().health, Health::unknown);
  fail_checks(bench, 1);
  EXPECT_EQ(bench.status().health, Health::unhealthy);
  bench.pass(seconds{10});
  bench.checked(Health::degraded, "DISK WARNING");
  EXPECT_EQ(bench.status().health, Health::degraded);
  EXPECT_EQ(bench.status().health_text, "DISK WARNING");
}

TEST(TargetHealth, RestartsAnUnhealthyTargetWithTheReasonWhenToldTo) {
  auto bench = TargetBench::running(checked_config(true));
  fail_checks(bench, 3);
  EXPECT_EQ(bench.state(), TargetState::stopping);
  const auto reason = "unhealthy, 3 checks in a row: 500 Internal Server Error";
  EXPECT_EQ(bench.status().error, reason);
  ASSERT_EQ(bench.notices<InstanceFailed>().size(), 1U);
  EXPECT_EQ(bench.notices<InstanceFailed>()[0].kind, "unhealthy");
  bench.exited(0);
  bench.gone(1);
  EXPECT_EQ(bench.state(), TargetState::starting);
  EXPECT_EQ(bench.status().restarts, 1U);
  bench.launched();
  EXPECT_EQ(bench.status().health, Health::unknown) << "of the new instance nothing is known";
}

TEST(TargetHealth, IsOfTheRunningInstanceOnly) {
  auto bench = TargetBench::running(checked_config());
  fail_checks(bench, 3);
  bench.exited(1);
  EXPECT_FALSE(bench.status().health.has_value());
  EXPECT_EQ(bench.checks<CancelChecks>().size(), 1U);
  bench.tell(CheckResult{"api", 1, CheckPurpose::health, Health::healthy, ""});
  EXPECT_FALSE(bench.status().health.has_value());
}

TEST(TargetWatchdog, IsKeptAwayByTheTarget) {
  auto bench = TargetBench::running(watched_config());
  EXPECT_EQ(bench.status().health, Health::healthy);
  for (int i = 0; i < 5; ++i) {
    bench.pass(milliseconds{1900});
    bench.says(watchdog());
  }
  EXPECT_EQ(bench.state(), TargetState::running);
}

TEST(TargetWatchdog, EndsASilentTargetByAbortAndRunsItAgain) {
  auto bench = TargetBench::running(watched_config());
  bench.pass(seconds{2});
  EXPECT_EQ(bench.state(), TargetState::stopping);
  EXPECT_THAT(bench.orders(), ElementsAre("signal 6 group resume"));
  EXPECT_EQ(bench.status().error, "watchdog: silent for 2s");
  bench.exited(0, 6);
  bench.gone(1);
  EXPECT_EQ(bench.state(), TargetState::starting);
  bench.launched();
  bench.effects = {};
  bench.ask(1, RequestVerb::stop);
  EXPECT_THAT(bench.orders(), ElementsAre("signal 15 group resume"));
}

TEST(TargetWatchdog, LeavesATargetAloneThatSaidItIsStopping) {
  auto bench = TargetBench::running(watched_config());
  Notified said;
  said.stopping = true;
  bench.says(said);
  EXPECT_EQ(bench.status().status_text, "stopping");
  EXPECT_EQ(bench.supervisor.next_deadline(), never);
}

TEST(TargetStatusText, ShowsReloadingUntilItIsReadyAgain) {
  auto bench = TargetBench::running();
  Notified said;
  said.reloading = true;
  said.status = "reading rules";
  bench.says(said);
  EXPECT_EQ(bench.status().status_text, "reloading: reading rules");
  Notified ready;
  ready.ready = true;
  ready.status = "12 rules";
  bench.says(ready);
  EXPECT_EQ(bench.status().status_text, "12 rules");
  EXPECT_EQ(bench.state(), TargetState::running);
}

}  // namespace
}  // namespace banyan::leaf
