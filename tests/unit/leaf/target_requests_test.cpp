// Start, stop, restart, signal and shutdown, and how they meet.

#include <cerrno>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/leaf/target_bench.h"

namespace banyan::leaf {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(TargetStop, SignalsTheGroupThenEndsTheSubtreeThenIsStopped) {
  auto bench = TargetBench::running();
  bench.ask(1, RequestVerb::stop);
  EXPECT_EQ(bench.state(), TargetState::stopping);
  EXPECT_THAT(bench.orders(), ElementsAre("signal 15 group resume"));
  bench.exited(0);
  EXPECT_EQ(bench.state(), TargetState::stopping) << "children may be left";
  EXPECT_THAT(bench.answers(), IsEmpty());
  bench.gone(1);
  EXPECT_EQ(bench.state(), TargetState::stopped);
  EXPECT_THAT(bench.answers(), ElementsAre("1 done"));
  EXPECT_EQ(bench.notices<RunEnded>().size(), 1U);
  EXPECT_FALSE(bench.supervisor.wanted().at("api"));
}

TEST(TargetStop, KillsAfterTheTimeout) {
  auto config = TargetBench::default_config();
  config.stop_signal = 2;
  config.stop_timeout = seconds{3};
  auto bench = TargetBench::running(config);
  bench.ask(1, RequestVerb::stop);
  EXPECT_EQ(bench.supervisor.next_deadline(), bench.now.time + seconds{3});
  bench.pass(milliseconds{2999});
  EXPECT_THAT(bench.orders(), ElementsAre("signal 2 group resume"));
  bench.pass(milliseconds{1});
  EXPECT_THAT(bench.orders(), ElementsAre("signal 2 group resume", "signal 9 group", "end 1"));
  EXPECT_EQ(bench.supervisor.next_deadline(), never);
  bench.exited(0, 9);
  EXPECT_EQ(bench.effects.processes.size(), 3U) << "the subtree is already being ended";
  bench.gone(1);
  EXPECT_EQ(bench.state(), TargetState::stopped);
}

TEST(TargetStop, AskedTwiceSignalsOnceAndDoesNotPutOffTheKill) {
  auto bench = TargetBench::running();
  bench.ask(1, RequestVerb::stop);
  const auto kill_at = bench.supervisor.next_deadline();
  bench.pass(seconds{5});
  bench.ask(2, RequestVerb::stop);
  EXPECT_EQ(bench.supervisor.next_deadline(), kill_at);
  EXPECT_EQ(bench.effects.processes.size(), 1U);
  bench.exited(0);
  bench.gone(1);
  EXPECT_THAT(bench.answers(), ElementsAre("1 done", "2 done"));
}

TEST(TargetStop, WaitsForTheExitAlsoWhenTheSubtreeIsReportedFirst) {
  auto bench = TargetBench::running();
  bench.ask(1, RequestVerb::stop);
  bench.pass(seconds{10});
  bench.gone(1);
  EXPECT_EQ(bench.state(), TargetState::stopping);
  bench.exited(0, 9);
  bench.gone(1);
  EXPECT_EQ(bench.state(), TargetState::stopped);
  EXPECT_EQ(bench.notices<RunEnded>().size(), 1U);
}

TEST(TargetStop, DuringStartingWaitsForTheLaunchAndThenStopsIt) {
  TargetBench bench;
  bench.ask(1, RequestVerb::stop);
  EXPECT_EQ(bench.state(), TargetState::stopping);
  EXPECT_EQ(bench.supervisor.next_deadline(), never);
  bench.launched();
  EXPECT_EQ(bench.state(), TargetState::stopping);
  EXPECT_THAT(bench.orders(), ElementsAre("launch 1", "signal 15 group resume"));
  bench.exited(0, 15);
  bench.gone(1);
  EXPECT_THAT(bench.answers(), ElementsAre("1 done"));
}

TEST(TargetStop, DuringStartingIsDoneWhenTheLaunchFails) {
  TargetBench bench;
  bench.ask(1, RequestVerb::stop);
  bench.launch_failed(ENOENT, "no");
  EXPECT_EQ(bench.state(), TargetState::stopped);
  EXPECT_THAT(bench.answers(), ElementsAre("1 done"));
}

TEST(TargetStop, DuringBackOffForgetsTheRetry) {
  auto bench = TargetBench::running();
  bench.exited(1);
  bench.gone(1);
  bench.launched();
  bench.exited(1);
  bench.gone(2);
  ASSERT_EQ(bench.state(), TargetState::backing_off);
  bench.ask(1, RequestVerb::stop);
  EXPECT_EQ(bench.state(), TargetState::stopped);
  EXPECT_EQ(bench.supervisor.next_deadline(), never);
  EXPECT_THAT(bench.answers(), ElementsAre("1 done"));
}

TEST(TargetStop, DuringBackOffWaitsForRemainsOfEarlierGenerations) {
  auto bench = TargetBench::running();
  bench.exited(1);
  bench.launched();
  bench.exited(1);
  ASSERT_EQ(bench.state(), TargetState::backing_off);
  bench.ask(1, RequestVerb::stop);
  EXPECT_EQ(bench.state(), TargetState::stopping);
  bench.gone(2);
  EXPECT_EQ(bench.state(), TargetState::stopping);
  bench.gone(1);
  EXPECT_EQ(bench.state(), TargetState::stopped);
}

TEST(TargetStop, OfAStoppedTargetIsDoneAtOnce) {
  TargetBench bench{TargetBench::default_config(), {{"api", false}}};
  bench.ask(1, RequestVerb::stop);
  EXPECT_THAT(bench.answers(), ElementsAre("1 done: already stopped"));
}

TEST(TargetStop, FailsWhenNotEvenKillEndsTheProcessAndStartsNoSecondCopy) {
  auto bench = TargetBench::running();
  bench.ask(1, RequestVerb::stop);
  bench.pass(seconds{10});
  bench.gone(1, 1);
  EXPECT_EQ(bench.state(), TargetState::failed);
  bench.ask(2, RequestVerb::start);
  EXPECT_THAT(bench.answers(),
              ElementsAre("1 failed: 1 process of generation 1 cannot be killed",
                          "2 rejected: 1 process of generation 1 cannot be killed"));
  bench.exited(0, 9);
  EXPECT_EQ(bench.notices<RunEnded>().size(), 1U);
  bench.gone(1);
  bench.ask(3, RequestVerb::start);
  EXPECT_EQ(bench.state(), TargetState::starting) << "it has ended after all";
  bench.launched();
  bench.ask(4, RequestVerb::stop);
  bench.exited(0);
  bench.gone(2);
  EXPECT_EQ(bench.state(), TargetState::stopped) << "what was stuck before is forgotten";
}

TEST(TargetStop, AnUnkillableRestOfAnEarlierGenerationDoesNotCutTheStopShort) {
  auto bench = TargetBench::running();
  bench.exited(1);
  bench.launched();
  bench.ask(1, RequestVerb::stop);
  bench.gone(1, 1);
  EXPECT_EQ(bench.state(), TargetState::stopping) << "generation 2 is still ending properly";
  bench.exited(0);
  bench.gone(2);
  EXPECT_EQ(bench.state(), TargetState::failed);
}

TEST(TargetStart, IsDoneWhenTheTargetRuns) {
  TargetBench bench{TargetBench::default_config(), {{"api", false}}};
  bench.ask(1, RequestVerb::start);
  EXPECT_THAT(bench.answers(), IsEmpty());
  bench.launched(55);
  EXPECT_THAT(bench.answers(), ElementsAre("1 done"));
  EXPECT_EQ(bench.effects.outcomes[0].pid, 55);
  EXPECT_EQ(bench.effects.outcomes[0].generation, 1U);
  EXPECT_EQ(bench.status().restarts, 0U);
}

TEST(TargetStart, FailsWithTheReasonOfTheLauncher) {
  TargetBench bench{TargetBench::default_config(), {{"api", false}}};
  bench.ask(1, RequestVerb::start);
  bench.launch_failed(EACCES, "exec /bin/api: Permission denied (EACCES)");
  EXPECT_THAT(bench.answers(), ElementsAre("1 failed: exec /bin/api: Permission denied (EACCES)"));
}

TEST(TargetStart, OfARunningTargetIsDoneAtOnce) {
  auto bench = TargetBench::running();
  bench.ask(1, RequestVerb::start);
  EXPECT_THAT(bench.answers(), ElementsAre("1 done: already running"));
}

TEST(TargetStart, EndsTheBackOff) {
  auto bench = TargetBench::running();
  bench.exited(1);
  bench.launched();
  bench.exited(1);
  bench.ask(1, RequestVerb::start);
  EXPECT_EQ(bench.state(), TargetState::starting);
  EXPECT_EQ(bench.status().restarts, 1U) << "asked for, not decided";
}

TEST(TargetStart, DuringStoppingIsDoneAfterTheStopWhichIsSuperseded) {
  auto bench = TargetBench::running();
  bench.ask(1, RequestVerb::stop);
  bench.ask(2, RequestVerb::start);
  EXPECT_THAT(bench.answers(), ElementsAre("1 rejected: superseded by start"));
  bench.exited(0);
  EXPECT_EQ(bench.state(), TargetState::stopping);
  bench.gone(1);
  EXPECT_EQ(bench.state(), TargetState::starting);
  bench.launched();
  EXPECT_THAT(bench.answers(), ElementsAre("1 rejected: superseded by start", "2 done"));
  EXPECT_TRUE(bench.supervisor.wanted().at("api"));
}

TEST(TargetRestart, IsDoneWhenTheNewGenerationRuns) {
  auto bench = TargetBench::running();
  bench.ask(1, RequestVerb::restart);
  bench.exited(0);
  bench.gone(1);
  EXPECT_THAT(bench.answers(), IsEmpty());
  bench.launched(321);
  EXPECT_THAT(bench.answers(), ElementsAre("1 done"));
  EXPECT_EQ(bench.effects.outcomes[0].generation, 2U);
  EXPECT_EQ(bench.effects.outcomes[0].pid, 321);
}

TEST(TargetRestart, DuringStopSupersedesItAndTheOtherWayRound) {
  auto bench = TargetBench::running();
  bench.ask(1, RequestVerb::stop);
  bench.ask(2, RequestVerb::restart);
  bench.ask(3, RequestVerb::stop);
  bench.exited(0);
  bench.gone(1);
  EXPECT_EQ(bench.state(), TargetState::stopped);
  EXPECT_THAT(bench.answers(), ElementsAre("1 rejected: superseded by restart",
                                           "2 rejected: superseded by stop", "3 done"));
}

TEST(TargetRestart, TwoTogetherAreOneNewInstance) {
  auto bench = TargetBench::running();
  bench.ask(1, RequestVerb::restart, 1);
  bench.ask(2, RequestVerb::restart, 1);
  bench.exited(0);
  bench.gone(1);
  bench.launched();
  EXPECT_THAT(bench.answers(), ElementsAre("1 done", "2 done"));
  EXPECT_EQ(bench.status().generation, 2U);
}

TEST(TargetRestart, OfAnOlderGenerationThanThePresentIsAlreadyDone) {
  auto bench = TargetBench::running();
  bench.exited(1);
  bench.launched();
  bench.ask(1, RequestVerb::restart, 1);
  EXPECT_THAT(bench.answers(), ElementsAre("1 done: already generation 2"));
  EXPECT_EQ(bench.state(), TargetState::running);
}

TEST(TargetRestart, OfAnOlderGenerationWaitsForTheOneThatIsStarting) {
  auto bench = TargetBench::running();
  bench.exited(1);
  ASSERT_EQ(bench.state(), TargetState::starting);
  bench.ask(1, RequestVerb::restart, 1);
  EXPECT_THAT(bench.answers(), IsEmpty());
  bench.launched();
  EXPECT_THAT(bench.answers(), ElementsAre("1 done"));
  EXPECT_EQ(bench.status().generation, 2U);
}

TEST(TargetRestart, StartsWhatDoesNotRun) {
  auto config = TargetBench::default_config();
  config.restart = RestartPolicy::never;
  auto bench = TargetBench::running(config);
  bench.exited(0);
  bench.ask(1, RequestVerb::restart);
  EXPECT_EQ(bench.state(), TargetState::starting);
}

TEST(TargetRestart, FailsWhenTheNewInstanceCannotBeLaunched) {
  auto bench = TargetBench::running();
  bench.ask(1, RequestVerb::restart);
  bench.exited(0);
  bench.gone(1);
  bench.launch_failed(ENOENT, "exec /bin/api: No such file or directory (ENOENT)");
  EXPECT_THAT(bench.answers(),
              ElementsAre("1 failed: exec /bin/api: No such file or directory (ENOENT)"));
}

TEST(TargetSignal, GoesToTheMainProcessAndIsDoneAtOnce) {
  auto bench = TargetBench::running();
  bench.ask_signal(1, 10);
  EXPECT_THAT(bench.orders(), ElementsAre("signal 10"));
  EXPECT_THAT(bench.answers(), ElementsAre("1 done"));
}

TEST(TargetSignal, ReachesATargetThatIsStopping) {
  auto bench = TargetBench::running();
  bench.ask(1, RequestVerb::stop);
  bench.effects = {};
  bench.ask_signal(2, 9);
  EXPECT_THAT(bench.orders(), ElementsAre("signal 9"));
}

TEST(TargetSignal, IsRejectedWhereNothingRuns) {
  TargetBench bench;
  bench.ask_signal(1, 10);
  EXPECT_THAT(bench.answers(), ElementsAre("1 rejected: not running, but starting"));
  EXPECT_THAT(bench.orders(), ElementsAre("launch 1"));
}

TEST(TargetSignal, IsRejectedWhenThereIsNoSuchSignal) {
  auto bench = TargetBench::running();
  bench.ask_signal(1, 0);
  bench.ask_signal(2, 65);
  EXPECT_THAT(bench.answers(),
              ElementsAre("1 rejected: no such signal: 0", "2 rejected: no such signal: 65"));
}

TEST(TargetRequests, AreBoundedAndTheOneTooManyIsRejected) {
  TargetBench bench;
  for (std::uint64_t token = 1; token <= WaitingRequests::max_waiting + 1; ++token) {
    bench.ask(token, RequestVerb::start);
  }
  EXPECT_THAT(bench.answers(), ElementsAre("65 rejected: too many requests wait for this target"));
  bench.launched();
  EXPECT_EQ(bench.effects.outcomes.size(), WaitingRequests::max_waiting + 1);
}

TEST(Supervisor, RejectsRequestsToTargetsItDoesNotHave) {
  TargetBench bench;
  bench.supervisor.handle(TargetRequest{9, RequestVerb::stop, "web", 0, 0}, bench.now,
                          bench.effects);
  EXPECT_THAT(bench.answers(), ElementsAre("9 rejected: no such target"));
}

TEST(Supervisor, ShutdownStopsAllAndRemembersThatTheyAreWanted) {
  auto bench = TargetBench::running();
  bench.supervisor.shut_down(bench.now, bench.effects);
  EXPECT_FALSE(bench.supervisor.all_gone());
  bench.exited(0);
  EXPECT_FALSE(bench.supervisor.all_gone());
  bench.gone(1);
  EXPECT_TRUE(bench.supervisor.all_gone());
  EXPECT_EQ(bench.state(), TargetState::stopped);
  EXPECT_TRUE(bench.supervisor.wanted().at("api"));
}

TEST(Supervisor, ShutdownSupersedesRestartsAndRefusesNewStarts) {
  auto bench = TargetBench::running();
  bench.ask(1, RequestVerb::restart);
  bench.supervisor.shut_down(bench.now, bench.effects);
  bench.ask(2, RequestVerb::start);
  bench.exited(0);
  bench.gone(1);
  EXPECT_EQ(bench.state(), TargetState::stopped);
  EXPECT_THAT(bench.answers(), ElementsAre("1 rejected: superseded: the leaf is shutting down",
                                           "2 rejected: the leaf is shutting down"));
}

TEST(Supervisor, ShutdownWaitsForRemainsOfAnExitedTarget) {
  auto config = TargetBench::default_config();
  config.restart = RestartPolicy::never;
  auto bench = TargetBench::running(config);
  bench.exited(0);
  bench.supervisor.shut_down(bench.now, bench.effects);
  EXPECT_FALSE(bench.supervisor.all_gone());
  bench.gone(1);
  EXPECT_TRUE(bench.supervisor.all_gone());
  EXPECT_EQ(bench.state(), TargetState::exited);
}

}  // namespace
}  // namespace banyan::leaf
