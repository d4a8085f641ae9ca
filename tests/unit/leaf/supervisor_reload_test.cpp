// A changed configuration, and runs by the calendar.

#include <cerrno>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/leaf/supervisor_bench.h"

namespace banyan::leaf {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TargetConfig target(const std::string& name) { return SupervisorBench::target(name); }

SupervisorBench running(std::vector<TargetConfig> configs) {
  std::vector<std::string> names;
  for (const auto& config : configs) names.push_back(config.name);
  SupervisorBench bench{std::move(configs)};
  for (const auto& name : names) bench.launched(name);
  bench.effects = {};
  return bench;
}

ReconfigureResult reload(SupervisorBench& bench, std::vector<TargetConfig> configs) {
  return bench.supervisor.reconfigure(std::move(configs), bench.now, bench.effects);
}

TEST(SupervisorReload, LeavesAloneWhatDidNotChange) {
  auto bench = running({target("a"), target("b")});
  const auto result = reload(bench, {target("b"), target("a")});
  EXPECT_THAT(bench.orders(), IsEmpty());
  EXPECT_TRUE(bench.effects.notices.empty());
  EXPECT_EQ(result.added + result.removed + result.replaced + result.adopted, 0U);
}

TEST(SupervisorReload, AChangedPolicyAppliesWithoutARestart) {
  auto bench = running({target("a")});
  auto changed = target("a");
  changed.restart = RestartPolicy::never;
  changed.stop_timeout = seconds{3};
  changed.health.check.kind = CheckKind::tcp;
  EXPECT_EQ(reload(bench, {changed}).adopted, 1U);
  EXPECT_THAT(bench.orders(), IsEmpty());
  EXPECT_EQ(bench.state("a"), TargetState::running);
  bench.pass(Duration{0});
  EXPECT_EQ(bench.effects.checks.size(), 1U) << "the new health check";
  bench.exited("a", 1);
  EXPECT_EQ(bench.state("a"), TargetState::exited);
}

TEST(SupervisorReload, AChangedCommandRestartsThatTargetOnlyByItsOldStopSignal) {
  auto old = target("a");
  old.stop_signal = 2;
  auto bench = running({old, target("b")});
  auto changed = target("a");
  changed.command = {"/bin/new"};
  EXPECT_EQ(reload(bench, {changed, target("b")}).replaced, 1U);
  ASSERT_FALSE(bench.effects.processes.empty());
  EXPECT_EQ(std::get<SignalProcess>(bench.effects.processes[0]).signal, 2);
  bench.ended("a");
  ASSERT_TRUE(std::holds_alternative<Launch>(bench.effects.processes.back()));
  EXPECT_THAT(std::get<Launch>(bench.effects.processes.back()).config.command,
              ElementsAre("/bin/new"));
  EXPECT_EQ(bench.state("b"), TargetState::running);
}

TEST(SupervisorReload, ACorrectedCommandIsTriedAtOnce) {
  SupervisorBench bench{{target("a")}};
  bench.tell(LaunchFailed{"a", 1, ENOENT, "no such file"});
  auto changed = target("a");
  changed.command = {"/bin/right"};
  reload(bench, {changed});
  EXPECT_EQ(bench.state("a"), TargetState::starting);
}

TEST(SupervisorReload, DoesNotChangeAStopThatIsUnderWay) {
  auto config = target("a");
  config.stop_more = {{seconds{2}, 15}};
  auto bench = running({config});
  bench.ask(RequestVerb::stop, {"a"});
  EXPECT_EQ(reload(bench, {target("a")}).adopted, 1U);
  bench.effects = {};
  bench.pass(seconds{2});
  EXPECT_THAT(bench.orders(), ElementsAre("stop a"));
}

TEST(SupervisorReload, AStoppedTargetStaysStopped) {
  auto bench = running({target("a")});
  bench.ask(RequestVerb::stop, {"a"});
  bench.ended("a");
  auto changed = target("a");
  changed.command = {"/bin/new"};
  reload(bench, {changed});
  EXPECT_EQ(bench.state("a"), TargetState::stopped);
}

TEST(SupervisorReload, ARemovedTargetIsStoppedAndForgotten) {
  auto bench = running({target("a"), target("b")});
  EXPECT_EQ(reload(bench, {target("b")}).removed, 1U);
  EXPECT_EQ(bench.state("a"), TargetState::stopping);
  bench.ask(RequestVerb::start, {"a"});
  EXPECT_THAT(bench.answers(), ElementsAre("1 rejected: removed from the configuration"));
  bench.ended("a");
  EXPECT_EQ(bench.supervisor.find("a"), nullptr);
  EXPECT_EQ(bench.notices<TargetRemoved>().size(), 1U);
  EXPECT_EQ(bench.supervisor.next_deadline(), never);
}

TEST(SupervisorReload, ATargetThatComesBackWhileItIsBeingRemovedRunsOnceStopped) {
  auto bench = running({target("a")});
  reload(bench, {});
  reload(bench, {target("a")});
  EXPECT_EQ(bench.state("a"), TargetState::stopping);
  bench.ended("a");
  EXPECT_EQ(bench.state("a"), TargetState::starting);
  EXPECT_THAT(bench.notices<TargetRemoved>(), IsEmpty());
}

TEST(SupervisorReload, AStopThatWaitedOnATargetThatComesBackIsAnswered) {
  auto bench = running({target("a")});
  bench.ask(RequestVerb::stop, {"a"});
  reload(bench, {});
  reload(bench, {target("a")});
  EXPECT_THAT(bench.answers(), ElementsAre("1 rejected: superseded by the new configuration"));
}

TEST(SupervisorReload, ANewTargetIsStartedAfterWhatItNeeds) {
  auto bench = running({target("a")});
  auto late = target("late");
  late.depends = {"first"};
  EXPECT_EQ(reload(bench, {late, target("a"), target("first")}).added, 2U);
  EXPECT_THAT(bench.orders(), ElementsAre("launch first"));
  bench.launched("first");
  EXPECT_THAT(bench.orders(), ElementsAre("launch late"));
}

TEST(SupervisorReload, ADroppedDependencyReleasesWhoWaited) {
  auto api = SupervisorBench::target("api", {"db"});
  SupervisorBench bench{{api, target("db")}};
  EXPECT_EQ(bench.state("api"), TargetState::pending);
  api.depends.clear();
  reload(bench, {api, target("db")});
  EXPECT_EQ(bench.state("api"), TargetState::starting);
}

TargetConfig scheduled() {
  auto config = target("job");
  config.schedule = *parse_cron("*/5 * * * *");
  config.restart = RestartPolicy::never;
  return config;
}

TEST(SupervisorSchedule, RunsAtItsTimesAndRestsBetween) {
  SupervisorBench bench{{scheduled()}};
  EXPECT_EQ(bench.state("job"), TargetState::pending);
  EXPECT_THAT(bench.orders(), IsEmpty());
  for (int i = 0; i < 5; ++i) bench.pass(std::chrono::minutes{1});
  EXPECT_THAT(bench.orders(), ElementsAre("launch job"));
  bench.launched("job");
  bench.ended("job");
  EXPECT_EQ(bench.state("job"), TargetState::exited);
  EXPECT_TRUE(bench.supervisor.wanted("job"));
  EXPECT_EQ(rfc3339(*bench.supervisor.find("job")->next_try), "2026-03-01T12:10:00.000Z");
  for (int i = 0; i < 5; ++i) bench.pass(std::chrono::minutes{1});
  EXPECT_THAT(bench.orders(), ElementsAre("end job", "launch job"));
}

TEST(SupervisorSchedule, NeverOverlaps) {
  SupervisorBench bench{{scheduled()}};
  for (int i = 0; i < 5; ++i) bench.pass(std::chrono::minutes{1});
  bench.launched("job");
  bench.orders();
  for (int i = 0; i < 6; ++i) bench.pass(std::chrono::minutes{1});
  EXPECT_THAT(bench.orders(), IsEmpty());
  EXPECT_EQ(bench.notices<RunSkipped>().size(), 1U);
}

TEST(SupervisorSchedule, StoppedByHandItRunsNoMoreAndStartedByHandItRunsNow) {
  SupervisorBench bench{{scheduled()}};
  bench.ask(RequestVerb::stop, {"job"});
  EXPECT_EQ(bench.supervisor.next_deadline(), never);
  for (int i = 0; i < 6; ++i) bench.pass(std::chrono::minutes{1});
  EXPECT_THAT(bench.orders(), IsEmpty());
  bench.ask(RequestVerb::start, {"job"});
  EXPECT_THAT(bench.orders(), ElementsAre("launch job"));
}

TEST(SupervisorSchedule, TakenAwayTheTargetRunsAtOnceHoweverElseItChanged) {
  for (const bool changed : {false, true}) {
    SupervisorBench bench{{scheduled()}};
    auto config = target("job");
    if (changed) config.command = {"/bin/new"};
    reload(bench, {config});
    EXPECT_THAT(bench.orders(), ElementsAre("launch job")) << changed;
  }
}

TEST(SupervisorSchedule, AFailedRunIsTriedAgainAtTheNextTime) {
  SupervisorBench bench{{scheduled()}};
  for (int i = 0; i < 5; ++i) bench.pass(std::chrono::minutes{1});
  bench.tell(LaunchFailed{"job", 1, ENOENT, "no such file"});
  EXPECT_EQ(bench.state("job"), TargetState::failed);
  for (int i = 0; i < 5; ++i) bench.pass(std::chrono::minutes{1});
  EXPECT_EQ(bench.state("job"), TargetState::starting);
}

TEST(TargetStopSequence, SendsEachSignalAfterItsPauseAndThenKills) {
  auto config = target("a");
  config.stop_signal = 2;
  config.stop_more = {{seconds{2}, 15}, {seconds{1}, 3}};
  config.stop_timeout = seconds{5};
  auto bench = running({config});
  bench.ask(RequestVerb::stop, {"a"});
  std::vector<int> sent;
  const auto take = [&] {
    for (const auto& effect : std::exchange(bench.effects.processes, {})) {
      const auto* signal = std::get_if<SignalProcess>(&effect);
      if (signal == nullptr) continue;
      sent.push_back(signal->signal);
      if (signal->resume) sent.push_back(18);
    }
    return std::exchange(sent, {});
  };
  EXPECT_THAT(take(), ElementsAre(2, 18));
  bench.pass(milliseconds{1999});
  EXPECT_THAT(take(), IsEmpty());
  bench.pass(milliseconds{1});
  EXPECT_THAT(take(), ElementsAre(15, 18));
  bench.pass(seconds{1});
  EXPECT_THAT(take(), ElementsAre(3, 18));
  bench.pass(seconds{2});
  EXPECT_THAT(take(), ElementsAre(9));
}

}  // namespace
}  // namespace banyan::leaf
