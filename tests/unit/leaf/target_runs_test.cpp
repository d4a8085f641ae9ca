// Launching, ending and running again, without requests.

#include <cerrno>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/leaf/target_bench.h"

namespace banyan::leaf {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TargetConfig with(RestartPolicy policy) {
  auto config = TargetBench::default_config();
  config.restart = policy;
  return config;
}

TEST(TargetRuns, LaunchesAtTheBeginningAndRunsOnceLaunched) {
  TargetBench bench;
  EXPECT_EQ(bench.state(), TargetState::starting);
  EXPECT_THAT(bench.orders(), ElementsAre("launch 1"));
  bench.launched(77);
  EXPECT_EQ(bench.state(), TargetState::running);
  EXPECT_EQ(bench.status().pid, 77);
  const auto started = bench.notices<RunStarted>();
  ASSERT_EQ(started.size(), 1U);
  EXPECT_EQ(started[0].pid, 77);
}

TEST(TargetRuns, StaysStoppedWithoutAutostart) {
  auto config = TargetBench::default_config();
  config.autostart = false;
  TargetBench bench{config};
  EXPECT_EQ(bench.state(), TargetState::stopped);
  EXPECT_THAT(bench.orders(), IsEmpty());
}

TEST(TargetRuns, RemembersWhatWasWantedOverAutostart) {
  TargetBench stopped{TargetBench::default_config(), {{"api", false}}};
  EXPECT_EQ(stopped.state(), TargetState::stopped);
  auto config = TargetBench::default_config();
  config.autostart = false;
  TargetBench started{config, {{"api", true}, {"gone", true}}};
  EXPECT_EQ(started.state(), TargetState::starting);
  EXPECT_EQ(started.supervisor.find("gone"), nullptr);
}

TEST(TargetRuns, AKilledTargetIsLaunchedAgainAtOnceAndItsRemainsAreEnded) {
  auto bench = TargetBench::running();
  bench.pass(milliseconds{1234});
  bench.exited(0, 9);
  EXPECT_EQ(bench.state(), TargetState::starting);
  EXPECT_THAT(bench.orders(), ElementsAre("end 1", "launch 2"));
  const auto ended = bench.notices<RunEnded>();
  ASSERT_EQ(ended.size(), 1U);
  EXPECT_EQ(ended[0].exit.signal, 9);
  EXPECT_EQ(ended[0].generation, 1U);
  EXPECT_EQ(ended[0].exit.ran_ms, 1234);
  EXPECT_EQ(bench.status().restarts, 1U);
  EXPECT_EQ(bench.status().last_exit->signal, 9);
  EXPECT_EQ(bench.status().pid, 0);
}

TEST(TargetRuns, AnExitToldTwiceIsOneRun) {
  auto bench = TargetBench::running(with(RestartPolicy::never));
  bench.exited(3);
  bench.exited(3);
  EXPECT_EQ(bench.notices<RunEnded>().size(), 1U);
  EXPECT_THAT(bench.orders(), ElementsAre("end 1"));
}

TEST(TargetRuns, BacksOffFromTheSecondRestartOn) {
  auto bench = TargetBench::running();
  bench.exited(1);
  bench.launched();
  bench.exited(1);
  ASSERT_EQ(bench.state(), TargetState::backing_off);
  const auto waits = bench.notices<BackingOff>();
  ASSERT_EQ(waits.size(), 1U);
  EXPECT_EQ(bench.supervisor.next_deadline(), bench.now.time + waits[0].delay);
  EXPECT_TRUE(bench.status().next_try.has_value());
  bench.pass(milliseconds{100});
  EXPECT_EQ(bench.state(), TargetState::starting);
  EXPECT_EQ(bench.status().restarts, 2U);
  EXPECT_FALSE(bench.status().next_try.has_value());
}

TEST(TargetRuns, ATimeThatIsNotDueStartsNothing) {
  auto bench = TargetBench::running();
  bench.exited(1);
  bench.launched();
  bench.exited(1);
  ASSERT_EQ(bench.state(), TargetState::backing_off);
  bench.supervisor.time_reached(bench.now, bench.effects);
  EXPECT_EQ(bench.state(), TargetState::backing_off);
}

TEST(TargetRuns, NeverShowsExitedWithItsCodeAndIsNoLongerWanted) {
  auto bench = TargetBench::running(with(RestartPolicy::never));
  bench.exited(7);
  EXPECT_EQ(bench.state(), TargetState::exited);
  EXPECT_EQ(bench.status().last_exit->code, 7);
  EXPECT_FALSE(bench.supervisor.wanted().at("api"));
  EXPECT_EQ(bench.notices<WantedChanged>().size(), 1U);
  EXPECT_EQ(bench.supervisor.next_deadline(), never);
}

TEST(TargetRuns, OnFailureEndsAfterSuccessAndGoesOnAfterFailure) {
  auto bench = TargetBench::running(with(RestartPolicy::on_failure));
  bench.exited(1);
  EXPECT_EQ(bench.state(), TargetState::starting);
  bench.launched();
  bench.exited(0);
  EXPECT_EQ(bench.state(), TargetState::exited);
}

TEST(TargetRuns, AMissingProgramFailsForGoodInsteadOfAStorm) {
  TargetBench bench;
  bench.launch_failed(ENOENT, "exec /bin/api: No such file or directory (ENOENT)");
  EXPECT_EQ(bench.state(), TargetState::failed);
  EXPECT_EQ(bench.status().error, "exec /bin/api: No such file or directory (ENOENT)");
  EXPECT_EQ(bench.supervisor.next_deadline(), never);
  EXPECT_TRUE(bench.notices<RunEnded>().empty());
  EXPECT_TRUE(bench.supervisor.wanted().at("api"));
}

TEST(TargetRuns, AShortageOfTheSystemIsTriedAgainLater) {
  TargetBench bench;
  bench.launch_failed(EAGAIN, "fork: Resource temporarily unavailable (EAGAIN)");
  ASSERT_EQ(bench.state(), TargetState::backing_off);
  EXPECT_NE(bench.status().error, "");
  EXPECT_GE(bench.supervisor.next_deadline(), bench.now.time + launch_retry_min);
  bench.pass(seconds{1});
  bench.launched();
  EXPECT_EQ(bench.state(), TargetState::running);
  EXPECT_EQ(bench.status().error, "");
}

TEST(TargetRuns, GivesUpBeyondMaxRestarts) {
  auto config = TargetBench::default_config();
  config.max_restarts = {1, seconds{60}};
  auto bench = TargetBench::running(config);
  bench.exited(1);
  bench.launched();
  bench.exited(0, 11);
  EXPECT_EQ(bench.state(), TargetState::failed);
  EXPECT_EQ(bench.status().error, "restarted 1 times within 1m; last signal=SEGV");
  EXPECT_EQ(bench.notices<GaveUp>().size(), 1U);
}

TEST(TargetRuns, NewsOfAnOldGenerationChangesNothing) {
  auto bench = TargetBench::running();
  bench.exited(1);
  bench.launched();
  bench.effects = {};
  bench.tell(ProcessExited{"api", 1, 1, 0, false});
  bench.tell(Launched{"api", 1, 5});
  bench.tell(LaunchFailed{"api", 1, ENOENT, "late"});
  bench.gone(1);
  bench.gone(1);
  EXPECT_EQ(bench.state(), TargetState::running);
  EXPECT_TRUE(bench.effects.notices.empty());
  EXPECT_TRUE(bench.effects.processes.empty());
}

TEST(TargetRuns, WaitsWhenTooManyGenerationsAreStillBeingEnded) {
  auto config = TargetBench::default_config();
  config.backoff = {Duration{0}, Duration{0}};
  auto bench = TargetBench::running(config);
  for (std::size_t i = 1; i < TargetMachine::max_ending; ++i) {
    bench.exited(1);
    bench.launched();
  }
  bench.exited(1);
  ASSERT_EQ(bench.state(), TargetState::backing_off);
  EXPECT_EQ(bench.supervisor.next_deadline(), never);
  bench.gone(1);
  EXPECT_EQ(bench.state(), TargetState::starting);
}

TEST(TargetRuns, TellsOfProcessesThatCannotBeKilled) {
  auto bench = TargetBench::running();
  bench.exited(1);
  bench.gone(1, 2);
  const auto stuck = bench.notices<SubtreeStuck>();
  ASSERT_EQ(stuck.size(), 1U);
  EXPECT_EQ(stuck[0].unkillable, 2U);
  EXPECT_EQ(bench.state(), TargetState::starting);
}

TEST(TargetRuns, StateChangesFormAChain) {
  auto bench = TargetBench::running();
  bench.exited(1);
  bench.launched();
  bench.exited(1);
  auto last = TargetState::running;
  for (const auto& change : bench.notices<StateChanged>()) {
    EXPECT_EQ(change.was, last);
    last = change.now.state;
  }
  EXPECT_EQ(last, bench.state());
}

}  // namespace
}  // namespace banyan::leaf
