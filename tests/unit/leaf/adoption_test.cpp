// What a restarted leaf does about targets that outlived the one before.

#include "leaf/adoption.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "leaf/supervisor.h"
#include "leaf/target_facts.h"
#include "tests/unit/leaf/target_bench.h"

namespace banyan::leaf {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr int pid = 4711;
const WallTime earlier_end = wall_from_ms(1'600'000'000'000);

AdoptedRun run_of(std::uint64_t generation, bool changed = false) {
  return {"api", generation, pid, Time{} + seconds{900}, changed};
}

// A bench whose target was found running as generation 7, after three restarts.
TargetBench found(bool wanted = true, bool changed = false,
                  TargetConfig config = TargetBench::default_config()) {
  LastExit last;
  last.code = 3;
  Legacy legacy{{run_of(7, changed)}, {{"api", 7, 3, last}}};
  return TargetBench(std::move(config), {{"api", wanted}}, legacy);
}

TEST(Adoption, ATargetThatRunsIsNotStartedAgain) {
  auto bench = found();
  EXPECT_EQ(bench.state(), TargetState::running);
  EXPECT_EQ(bench.status().pid, pid);
  EXPECT_EQ(bench.status().generation, 7U);
  EXPECT_EQ(bench.status().restarts, 3U);
  EXPECT_EQ(bench.status().last_exit->code, 3);
  EXPECT_THAT(bench.orders(), IsEmpty());
}

TEST(Adoption, IsToldAsAdoptedAndNotAsStarted) {
  auto bench = found();
  ASSERT_EQ(bench.notices<RunAdopted>().size(), 1U);
  EXPECT_THAT(bench.notices<RunStarted>(), IsEmpty());
  const auto event = event_of(bench.notices<RunAdopted>().front(), bench.now);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->kind(), "adopted");
  EXPECT_EQ(event->data(), R"({"pid":4711,"generation":7})");
}

TEST(Adoption, AnExitInBetweenIsOneExitAtItsOwnTime) {
  auto bench = found();
  ProcessExited exited{"api", 7, 5, 0, false};
  exited.at = wall_from_ms(1'600'000'000'000);
  bench.tell(exited);
  bench.tell(exited);
  ASSERT_EQ(bench.notices<RunEnded>().size(), 1U);
  const auto ended = bench.notices<RunEnded>().front();
  EXPECT_EQ(ended.exit.code, 5);
  EXPECT_EQ(wall_ms(ended.exit.at), 1'600'000'000'000);
  EXPECT_EQ(ended.exit.ran_ms, 100'000);
  EXPECT_EQ(bench.status().restarts, 4U);
  EXPECT_THAT(bench.orders(), ElementsAre("end 7", "launch 8"));
}

TEST(Adoption, AnUnknownExitIsAFailureAndSaysSo) {
  auto config = TargetBench::default_config();
  config.restart = RestartPolicy::on_failure;
  auto bench = found(true, false, config);
  ProcessExited exited{"api", 7, -1, 0, false};
  exited.unknown = true;
  bench.tell(exited);
  const auto event = event_of(bench.notices<RunEnded>().front(), bench.now);
  EXPECT_EQ(event->text(), "exit=unknown (its keeper was killed)");
  EXPECT_NE(event->data().find(R"("code":null,"signal":null)"), std::string::npos);
  EXPECT_EQ(bench.state(), TargetState::starting);
}

TEST(Adoption, WhatIsNotWantedIsStopped) {
  auto bench = found(false);
  EXPECT_EQ(bench.state(), TargetState::stopping);
  EXPECT_THAT(bench.orders(), ElementsAre("signal 15 group resume"));
  bench.exited(0, 15);
  bench.gone(7);
  EXPECT_EQ(bench.state(), TargetState::stopped);
}

TEST(Adoption, WhatChangedIsStoppedFirstAndThenRunAnew) {
  auto bench = found(true, true);
  EXPECT_EQ(bench.state(), TargetState::stopping);
  bench.exited(0, 15);
  bench.effects = {};
  bench.gone(7);
  EXPECT_THAT(bench.orders(), ElementsAre("launch 8"));
  EXPECT_EQ(bench.status().restarts, 3U);
}

TEST(Adoption, GenerationsGoOnWithoutAProcess) {
  TargetBench bench(TargetBench::default_config(), {}, Legacy{{}, {{"api", 12, 5, {}}}});
  EXPECT_THAT(bench.orders(), ElementsAre("launch 13"));
  EXPECT_EQ(bench.status().restarts, 5U);
}

TEST(Adoption, WhatIsNotConfiguredIsLeftOut) {
  AdoptedRun stranger = run_of(3);
  stranger.target = "stranger";
  TargetBench bench(TargetBench::default_config(), {}, Legacy{{stranger}, {}});
  EXPECT_THAT(bench.orders(), ElementsAre("launch 1"));
}

TEST(Adoption, GenerationsOfATargetThatIsConfiguredLaterGoOnToo) {
  TargetBench bench(TargetBench::default_config(), {}, Legacy{{}, {{"web", 12, 5, {}}}});
  auto web = TargetBench::default_config();
  web.name = "web";
  bench.effects = {};
  bench.supervisor.reconfigure({TargetBench::default_config(), web}, bench.now, bench.effects);
  EXPECT_THAT(bench.orders(), ElementsAre("launch 13"));
}

TEST(Adoption, IsRememberedAtEachLaunchAndEnd) {
  auto bench = found();
  bench.effects = {};
  bench.exited(5);
  std::vector<TargetMemory> told;
  for (const auto& notice : bench.effects.notices) {
    if (auto memory = memory_of(notice)) told.push_back(*memory);
  }
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].generation, 8U);
  EXPECT_EQ(told[0].restarts, 4U);
  EXPECT_EQ(told[0].last_exit->code, 5);
}

// Generation 7 runs; generation 6 ended without anybody having told it. `remembered`: by the
// keeper.
TargetBench found_replaced(const TargetMemory& remembered) {
  Legacy legacy{{run_of(7)}, {remembered}};
  legacy.ended.push_back({"api", 6, Time{} + seconds{600}, earlier_end});
  TargetBench bench(TargetBench::default_config(), {}, legacy);
  bench.effects = {};
  return bench;
}

ProcessExited end_of_earlier() {
  ProcessExited exited{"api", 6, 5, 0, false};
  exited.at = earlier_end;
  return exited;
}

TEST(Adoption, AnEndThatTheNextLaunchOvertookIsToldOnce) {
  auto bench = found_replaced({"api", 6, 3, {}});
  bench.tell(end_of_earlier());
  bench.tell(end_of_earlier());
  ASSERT_EQ(bench.notices<RunEnded>().size(), 1U);
  const auto ended = bench.notices<RunEnded>().front();
  EXPECT_EQ(ended.generation, 6U);
  EXPECT_EQ(ended.exit.code, 5);
  EXPECT_EQ(ended.exit.at, earlier_end);
  EXPECT_EQ(bench.state(), TargetState::running);
  EXPECT_EQ(bench.status().generation, 7U);
  EXPECT_EQ(bench.status().pid, pid);
  EXPECT_THAT(bench.orders(), IsEmpty());
}

TEST(Adoption, AnEndThatTheNextLaunchOvertookIsCountedAndRemembered) {
  auto bench = found_replaced({"api", 6, 3, {}});
  bench.tell(end_of_earlier());
  EXPECT_EQ(bench.status().restarts, 4U);
  EXPECT_EQ(bench.status().last_exit->code, 5);
  const auto told = bench.notices<StateChanged>();
  ASSERT_EQ(told.size(), 1U);
  const auto memory = memory_of(told.front());
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->generation, 7U);
  EXPECT_EQ(memory->restarts, 4U);
  EXPECT_EQ(memory->last_exit->code, 5);
}

TEST(Adoption, WhatIsRememberedOfTheNextLaunchHasCountedTheEndBeforeIt) {
  LastExit last;
  last.code = 5;
  last.at = earlier_end;
  auto bench = found_replaced({"api", 7, 4, last});
  bench.tell(end_of_earlier());
  EXPECT_EQ(bench.notices<RunEnded>().size(), 1U);
  EXPECT_EQ(bench.status().restarts, 4U);
  EXPECT_THAT(bench.notices<StateChanged>(), IsEmpty());
}

TEST(Adoption, WhatIsRememberedAtTheEndItselfHasCountedIt) {
  LastExit last;
  last.code = 5;
  last.at = earlier_end;
  auto bench = found_replaced({"api", 6, 4, last});
  bench.tell(end_of_earlier());
  EXPECT_EQ(bench.status().restarts, 4U);
}

TEST(Adoption, AnEarlierEndDoesNotHideThatOfTheAdoptedRun) {
  auto bench = found_replaced({"api", 6, 3, {}});
  bench.tell(end_of_earlier());
  bench.exited(9);
  EXPECT_EQ(bench.notices<RunEnded>().size(), 2U);
  EXPECT_EQ(bench.status().last_exit->code, 9);
  EXPECT_EQ(bench.status().restarts, 5U);
  EXPECT_THAT(bench.orders(), ElementsAre("end 7", "launch 8"));
}

TEST(Adoption, AnEarlierRunRanUntilItsEndAndNotUntilNow) {
  auto bench = found_replaced({"api", 6, 3, {}});
  auto exited = end_of_earlier();
  exited.at = bench.now.wall - seconds{100};
  bench.tell(exited);
  const auto started = Time{} + seconds{600};
  const auto ran = bench.now.time - seconds{100} - started;
  EXPECT_EQ(bench.notices<RunEnded>().front().exit.ran_ms, ran / milliseconds{1});
}

TEST(LaunchHash, TellsApartWhatMakesAnotherProcess) {
  const auto base = TargetBench::default_config();
  const auto differs = [&](auto change) {
    auto other = base;
    change(other);
    return launch_hash(other) != launch_hash(base);
  };
  EXPECT_TRUE(differs([](TargetConfig& c) { c.command.push_back(""); }));
  EXPECT_TRUE(differs([](TargetConfig& c) { c.env["A"] = "1"; }));
  EXPECT_TRUE(differs([](TargetConfig& c) { c.cwd = "/"; }));
  EXPECT_TRUE(differs([](TargetConfig& c) { c.umask = 0; }));
  EXPECT_TRUE(differs([](TargetConfig& c) { c.process.user = "nobody"; }));
  EXPECT_TRUE(differs([](TargetConfig& c) { c.process.group = "nobody"; }));
  EXPECT_TRUE(differs([](TargetConfig& c) { c.process.groups = {"audio"}; }));
  EXPECT_TRUE(differs([](TargetConfig& c) { c.process.env_file = "/etc/secret"; }));
  EXPECT_TRUE(differs([](TargetConfig& c) { c.process.input = "inherit"; }));
  EXPECT_TRUE(differs([](TargetConfig& c) { c.process.limits[ResourceKind::core] = {0, 0}; }));
  EXPECT_TRUE(differs([](TargetConfig& c) { c.process.nice = 0; }));
  EXPECT_TRUE(differs([](TargetConfig& c) { c.process.io_priority = IoPriority{}; }));
  EXPECT_TRUE(differs([](TargetConfig& c) { c.process.oom_score_adj = 0; }));
  EXPECT_TRUE(differs([](TargetConfig& c) { c.process.no_new_privs = true; }));
  EXPECT_TRUE(differs([](TargetConfig& c) { c.process.memory_max = 1; }));
  EXPECT_TRUE(differs([](TargetConfig& c) { c.process.cpu_max = 0.5; }));
  EXPECT_TRUE(differs([](TargetConfig& c) { c.ready.check.kind = CheckKind::notify; }));
  EXPECT_TRUE(differs([](TargetConfig& c) { c.watchdog = seconds{1}; }));
  EXPECT_FALSE(differs([](TargetConfig& c) { c.restart = RestartPolicy::never; }));
  EXPECT_FALSE(differs([](TargetConfig& c) { c.process.on_exit = {"/bin/true"}; }));
  EXPECT_FALSE(differs([](TargetConfig& c) { c.health.check.kind = CheckKind::tcp; }));
  EXPECT_FALSE(differs([](TargetConfig& c) { c.stop_timeout = seconds{1}; }));
  auto split = base;
  split.command = {"/bin/ap", "i"};
  EXPECT_NE(launch_hash(split), launch_hash(base));
}

TEST(Adoption, TheNextVersionKnowsWhatThisOneHasLaunched) {
  TargetConfig config = TargetBench::default_config();
  config.env = {{"PORT", "8080"}};
  config.cwd = "/srv";
  config.process.user = "api";
  config.process.nice = 5;
  EXPECT_EQ(launch_hash(TargetBench::default_config()), 951575383231524759ULL);
  EXPECT_EQ(launch_hash(config), 10640575037150811287ULL);
}

}  // namespace
}  // namespace banyan::leaf
