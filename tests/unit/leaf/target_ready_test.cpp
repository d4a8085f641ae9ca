// Readiness: `starting` lasts until it is there, and not longer than it may.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/leaf/target_bench.h"

namespace banyan::leaf {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TargetConfig with(CheckKind kind) {
  auto config = TargetBench::default_config();
  config.ready.check.kind = kind;
  config.ready.timeout = seconds{10};
  return config;
}

TargetBench launched(TargetConfig config) {
  TargetBench bench{std::move(config), {{"api", false}}};
  bench.ask(1, RequestVerb::start);
  bench.launched(77);
  return bench;
}

TEST(TargetReady, StaysInStartingWithAProcessUntilTheCheckSucceeds) {
  auto bench = launched(with(CheckKind::tcp));
  EXPECT_EQ(bench.state(), TargetState::starting);
  EXPECT_EQ(bench.status().pid, 77);
  EXPECT_EQ(bench.checks<RunCheck>().size(), 1U);
  EXPECT_THAT(bench.answers(), IsEmpty());
  bench.checked(Health::healthy, "", CheckPurpose::ready);
  EXPECT_EQ(bench.state(), TargetState::running);
  EXPECT_THAT(bench.answers(), ElementsAre("1 done"));
  EXPECT_EQ(bench.supervisor.next_deadline(), never);
}

TEST(TargetReady, TriesAgainEveryIntervalAndNeverTwoAtOnce) {
  auto bench = launched(with(CheckKind::exec));
  bench.pass(milliseconds{500});
  EXPECT_EQ(bench.checks<RunCheck>().size(), 1U) << "the first is still open";
  bench.checked(Health::unhealthy, "refused", CheckPurpose::ready);
  bench.pass(Duration{0});
  EXPECT_EQ(bench.checks<RunCheck>().size(), 2U);
  bench.checked(Health::degraded, "warning", CheckPurpose::ready);
  bench.pass(milliseconds{199});
  EXPECT_EQ(bench.checks<RunCheck>().size(), 2U);
  bench.pass(milliseconds{1});
  EXPECT_EQ(bench.checks<RunCheck>().size(), 3U);
  EXPECT_EQ(bench.state(), TargetState::starting);
}

TEST(TargetReady, ALineIsWaitedForByOneCheck) {
  auto bench = launched(with(CheckKind::log));
  bench.checked(Health::unhealthy, "closed", CheckPurpose::ready);
  bench.pass(seconds{5});
  EXPECT_EQ(bench.checks<RunCheck>().size(), 1U);
}

TEST(TargetReady, IsSaidByTheTargetItself) {
  auto bench = launched(with(CheckKind::notify));
  EXPECT_THAT(bench.checks<RunCheck>(), IsEmpty());
  Notified status;
  status.status = "loading";
  bench.says(status);
  EXPECT_EQ(bench.state(), TargetState::starting);
  EXPECT_EQ(bench.status().status_text, "loading");
  Notified ready;
  ready.ready = true;
  bench.says(ready);
  EXPECT_EQ(bench.state(), TargetState::running);
  EXPECT_EQ(bench.status().status_text, "loading");
}

TEST(TargetReady, SaidByAnEarlierGenerationIsNothing) {
  auto bench = launched(with(CheckKind::notify));
  Notified ready;
  ready.target = "api";
  ready.ready = true;
  bench.tell(CheckEvent{ready});
  EXPECT_EQ(bench.state(), TargetState::starting);
}

TEST(TargetReady, ALateStartFailsWithItsReasonAndBacksOff) {
  auto bench = launched(with(CheckKind::tcp));
  bench.checked(Health::unhealthy, "connection refused", CheckPurpose::ready);
  bench.pass(seconds{10});
  EXPECT_EQ(bench.state(), TargetState::stopping);
  EXPECT_EQ(bench.status().error, "not ready within 10s: connection refused");
  EXPECT_THAT(bench.answers(), ElementsAre("1 failed: not ready within 10s: connection refused"));
  EXPECT_EQ(bench.checks<CancelChecks>().size(), 1U);
  bench.exited(0, 15);
  bench.gone(1);
  EXPECT_EQ(bench.state(), TargetState::starting) << "the first restart is immediate";
  EXPECT_EQ(bench.status().restarts, 1U);
  bench.launched();
  bench.pass(seconds{10});
  bench.exited(0, 15);
  bench.gone(2);
  EXPECT_EQ(bench.state(), TargetState::backing_off) << "the wait for readiness was no good run";
  EXPECT_EQ(bench.status().error, "not ready within 10s");
}

TEST(TargetReady, ALateStartOfOneThatIsNeverRunAgainHasFailed) {
  auto config = with(CheckKind::notify);
  config.restart = RestartPolicy::never;
  auto bench = launched(config);
  bench.pass(seconds{10});
  bench.exited(0, 15);
  bench.gone(1);
  EXPECT_EQ(bench.state(), TargetState::failed);
  EXPECT_EQ(bench.status().error, "not ready within 10s");
}

TEST(TargetReady, TheTargetMayAskForMoreTime) {
  auto bench = launched(with(CheckKind::notify));
  bench.pass(seconds{9});
  Notified more;
  more.extend_ms = 5000;
  bench.says(more);
  bench.pass(seconds{4});
  EXPECT_EQ(bench.state(), TargetState::starting);
  bench.pass(seconds{1});
  EXPECT_EQ(bench.state(), TargetState::stopping);
  const auto kill_at = bench.supervisor.next_deadline();
  bench.pass(seconds{8});
  bench.says(more);
  EXPECT_EQ(bench.supervisor.next_deadline(), kill_at + seconds{3}) << "for its end, too";
}

TEST(TargetReady, AnEndBeforeItFailsTheRequest) {
  auto bench = launched(with(CheckKind::notify));
  bench.exited(3);
  EXPECT_THAT(bench.answers(), ElementsAre("1 failed: ended before it was ready: exit=3"));
  EXPECT_EQ(bench.state(), TargetState::starting);
  EXPECT_EQ(bench.status().generation, 2U);
}

TEST(TargetReady, ARestartIsDoneWhenTheNewInstanceIsReady) {
  auto bench = launched(with(CheckKind::notify));
  Notified ready;
  ready.ready = true;
  bench.says(ready);
  bench.ask(2, RequestVerb::restart);
  bench.exited(0);
  bench.gone(1);
  bench.launched();
  EXPECT_THAT(bench.answers(), ElementsAre("1 done"));
  bench.says(ready);
  EXPECT_THAT(bench.answers(), ElementsAre("1 done", "2 done"));
}

TEST(TargetReady, AStopWhileItIsWaitedForEndsTheInstanceProperly) {
  auto bench = launched(with(CheckKind::exec));
  bench.ask(2, RequestVerb::stop);
  EXPECT_EQ(bench.checks<CancelChecks>().size(), 1U);
  bench.checked(Health::healthy, "", CheckPurpose::ready);
  EXPECT_EQ(bench.state(), TargetState::stopping) << "a late result";
  bench.exited(0);
  bench.gone(1);
  EXPECT_EQ(bench.state(), TargetState::stopped);
}

TEST(TargetReady, ALateStartThatIsStoppedByHandStaysStopped) {
  auto bench = launched(with(CheckKind::exec));
  bench.pass(seconds{10});
  bench.ask(2, RequestVerb::stop);
  bench.exited(0);
  bench.gone(1);
  EXPECT_EQ(bench.state(), TargetState::stopped);
}

}  // namespace
}  // namespace banyan::leaf
