// What targets are to each other: dependencies, strategies, the pace of restarts.

#include <cerrno>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/leaf/supervisor_bench.h"

namespace banyan::leaf {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TargetConfig target(const std::string& name, std::vector<std::string> depends = {}) {
  return SupervisorBench::target(name, std::move(depends));
}

// api depends on db; both run.
SupervisorBench pair_running() {
  SupervisorBench bench{{target("api", {"db"}), target("db")}};
  bench.launched("db");
  bench.launched("api");
  bench.effects = {};
  return bench;
}

TEST(SupervisorDepends, ATargetWaitsInPendingUntilWhatItNeedsIsReady) {
  auto db = target("db");
  db.ready.check.kind = CheckKind::notify;
  SupervisorBench bench{{target("api", {"db"}), db}};
  EXPECT_THAT(bench.orders(), ElementsAre("launch db"));
  EXPECT_EQ(bench.state("api"), TargetState::pending);
  EXPECT_EQ(bench.error("api"), "waits for db");
  bench.launched("db");
  EXPECT_EQ(bench.state("api"), TargetState::pending) << "it runs, but is not ready";
  Notified ready{"db", 1, true, false, false, false, 0, ""};
  bench.supervisor.handle(CheckEvent{ready}, bench.now, bench.effects);
  EXPECT_THAT(bench.orders(), ElementsAre("launch api"));
  EXPECT_EQ(bench.error("api"), "");
}

TEST(SupervisorDepends, ATargetWaitsForAllThatItNeeds) {
  SupervisorBench bench{{target("api", {"a", "b"}), target("a"), target("b")}};
  EXPECT_EQ(bench.error("api"), "waits for a, b");
  bench.launched("a");
  EXPECT_EQ(bench.error("api"), "waits for b");
  bench.launched("b");
  EXPECT_EQ(bench.state("api"), TargetState::starting);
}

TEST(SupervisorDepends, AnEndWithSuccessIsReadyToo) {
  auto migrate = target("migrate");
  migrate.restart = RestartPolicy::on_failure;
  migrate.ready.check.kind = CheckKind::notify;
  SupervisorBench bench{{target("api", {"migrate"}), migrate}};
  bench.launched("migrate");
  bench.exited("migrate", 0);
  EXPECT_EQ(bench.state("migrate"), TargetState::exited);
  EXPECT_EQ(bench.state("api"), TargetState::starting);
}

TEST(SupervisorDepends, ALaterFailureDoesNotTouchDependents) {
  auto bench = pair_running();
  bench.exited("db", 1);
  EXPECT_THAT(bench.orders(), ElementsAre("end db", "launch db"));
  EXPECT_EQ(bench.state("api"), TargetState::running);
}

TEST(SupervisorDepends, ARestartOfADependentWaitsWhileItsNeedIsDown) {
  auto bench = pair_running();
  bench.exited("db", 1);
  bench.orders();
  bench.exited("api", 1);
  EXPECT_THAT(bench.orders(), ElementsAre("end api"));
  EXPECT_EQ(bench.state("api"), TargetState::pending);
  bench.launched("db");
  EXPECT_THAT(bench.orders(), ElementsAre("launch api"));
}

TEST(SupervisorDepends, TogetherTheyStopInReverseOrder) {
  auto bench = pair_running();
  bench.ask(RequestVerb::stop, {"db", "api"});
  EXPECT_THAT(bench.orders(), ElementsAre("stop api"));
  EXPECT_EQ(bench.state("db"), TargetState::stopping);
  bench.exited("api");
  EXPECT_THAT(bench.orders(), ElementsAre("end api"));
  bench.gone("api");
  EXPECT_THAT(bench.orders(), ElementsAre("stop db"));
  bench.ended("db");
  EXPECT_EQ(bench.answers().size(), 2U);
}

TEST(SupervisorDepends, TheLeafEndsIndependentOnesAtTheSameTime) {
  SupervisorBench bench{{target("a"), target("b"), target("c", {"a", "b"})}};
  for (const auto* name : {"a", "b", "c"}) bench.launched(name);
  bench.orders();
  bench.supervisor.shut_down(bench.now, bench.effects);
  EXPECT_THAT(bench.orders(), ElementsAre("stop c"));
  bench.ended("c");
  EXPECT_THAT(bench.orders(), ElementsAre("end c", "stop a", "stop b"));
  bench.ended("a");
  bench.ended("b");
  EXPECT_TRUE(bench.supervisor.all_gone());
}

TEST(SupervisorDepends, ANeedThatDiesWhileItsStopWaitsIsStopped) {
  auto bench = pair_running();
  bench.ask(RequestVerb::stop, {"db", "api"});
  bench.ended("db");
  EXPECT_EQ(bench.state("db"), TargetState::stopped);
  bench.ended("api");
  EXPECT_EQ(bench.state("api"), TargetState::stopped);
}

TEST(SupervisorDepends, RestartedTogetherTheyComeBackInOrder) {
  auto bench = pair_running();
  bench.ask(RequestVerb::restart, {"api", "db"});
  bench.ended("api");
  EXPECT_EQ(bench.state("api"), TargetState::pending);
  bench.ended("db");
  EXPECT_EQ(bench.state("db"), TargetState::starting);
  EXPECT_THAT(bench.answers(), IsEmpty());
  bench.launched("db");
  bench.launched("api");
  EXPECT_THAT(bench.answers(), ElementsAre("2 done", "1 done"));
}

TEST(SupervisorDepends, StartedTogetherNoneIsRefused) {
  SupervisorBench bench{{target("api", {"db"}), target("db")}, {{"api", false}, {"db", false}}};
  bench.ask(RequestVerb::start, {"api", "db"});
  bench.launched("db");
  bench.launched("api");
  EXPECT_THAT(bench.answers(), ElementsAre("2 done", "1 done"));
}

TEST(SupervisorDepends, AStartThatCannotComeIsAnsweredWithTheReason) {
  SupervisorBench bench{{target("api", {"db"}), target("db")}, {{"api", false}, {"db", false}}};
  bench.ask(RequestVerb::start, {"api"});
  EXPECT_EQ(bench.state("api"), TargetState::pending);
  EXPECT_THAT(bench.answers(), IsEmpty());
  bench.pass(seconds{60});
  EXPECT_THAT(bench.answers(), ElementsAre("1 failed: waits for db"));
  EXPECT_EQ(bench.supervisor.next_deadline(), never);
  bench.ask(RequestVerb::start, {"api", "db"});
  bench.tell(LaunchFailed{"db", 1, ENOENT, "no such file"});
  EXPECT_THAT(bench.answers(), ElementsAre("3 failed: no such file",
                                           "2 failed: db, which it depends on, is failed"));
  EXPECT_EQ(bench.state("api"), TargetState::pending) << "it is still wanted";
}

TEST(SupervisorStrategy, AllForOneRunsTheWholeGroupAnew) {
  auto a = target("a");
  a.strategy = Strategy::all_for_one;
  a.strategy_group = "g";
  auto b = target("b");
  b.strategy_group = "g";
  SupervisorBench bench{{a, b, target("c")}};
  for (const auto* name : {"a", "b", "c"}) bench.launched(name);
  bench.orders();
  bench.exited("a", 1);
  EXPECT_THAT(bench.orders(), ElementsAre("end a", "launch a", "stop b"));
  EXPECT_EQ(bench.notices<RestartedAlong>().size(), 1U);
  bench.ended("b");
  EXPECT_EQ(bench.state("b"), TargetState::starting);
  EXPECT_EQ(bench.supervisor.find("b")->restarts, 1U);
  bench.launched("b");
  bench.orders();
  bench.exited("b", 1);
  EXPECT_THAT(bench.orders(), ElementsAre("end b", "launch b")) << "b itself is one-for-one";
  EXPECT_EQ(bench.state("c"), TargetState::running);
}

TEST(SupervisorStrategy, RestForOneTouchesThoseConfiguredLaterOnly) {
  std::vector<TargetConfig> configs;
  for (const auto* name : {"c", "b", "a"}) {
    configs.push_back(target(name));
    configs.back().strategy = Strategy::rest_for_one;
  }
  SupervisorBench bench{configs};
  for (const auto* name : {"a", "b", "c"}) bench.launched(name);
  bench.orders();
  bench.exited("b", 1);
  EXPECT_THAT(bench.orders(), ElementsAre("end b", "launch b", "stop a"));
}

TEST(SupervisorStrategy, AnOrderedStopOrRestartIsNoFailure) {
  auto a = target("a");
  a.strategy = Strategy::all_for_one;
  SupervisorBench bench{{a, target("b")}};
  bench.launched("a");
  bench.launched("b");
  bench.ask(RequestVerb::restart, {"a"});
  bench.ended("a");
  EXPECT_EQ(bench.state("b"), TargetState::running);
}

TEST(SupervisorPace, FirstStartsAreNeverSpreadButRestartsAre) {
  std::vector<TargetConfig> configs;
  for (int i = 0; i < 500; ++i) configs.push_back(target("t" + std::to_string(i)));
  SupervisorBench bench{configs};
  EXPECT_EQ(bench.orders().size(), 500U);
  for (const auto& config : configs) bench.launched(config.name);
  for (const auto& config : configs) bench.ended(config.name);
  const auto launches = [&] {
    std::size_t count = 0;
    for (const auto& order : bench.orders()) count += order.starts_with("launch") ? 1 : 0;
    return count;
  };
  EXPECT_EQ(launches(), 50U);
  bench.pass(seconds{1});
  EXPECT_EQ(launches(), 50U);
  for (int i = 0; i < 7; ++i) bench.pass(seconds{1});
  bench.pass(seconds{1});
  EXPECT_EQ(launches(), 400U) << "all are back after nine seconds";
}

}  // namespace
}  // namespace banyan::leaf
