// Subtrees that only a control group can end, where the host lets us make one.

#include "leaf/io/cgroups.h"

#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>

#include "tests/integration/leaf_io_world.h"

namespace banyan::leaf {
namespace {

class CgroupTest : public testing::Test {
 protected:
  void SetUp() override {
    world_.groups = std::make_unique<Cgroups>(world_.instance);
    if (!world_.groups->usable()) GTEST_SKIP() << world_.groups->description();
  }
  // The pid that the target wrote to its stdout.
  int told_pid() {
    world_.run_until([this] { return world_.read_all(all_of()).find('\n') != std::string::npos; });
    return std::atoi(world_.read_all(all_of()).c_str());
  }
  std::string folder() const {
    const auto text = world_.groups->description();
    const auto begin = text.find('/');
    return text.substr(begin, text.find(',') - begin);
  }

  World world_;
};

// It has lost mark, session and parent: the walk over /proc cannot know whose it is.
TEST_F(CgroupTest, EndsADescendantThatHasLostEverythingElse) {
  const auto generation = world_.launch(
      world_.shell("env -i /bin/sh -c 'setsid sh -c \"sleep 1000 & echo \\$!\" & wait'; exit 0"));
  const int lost = told_pid();
  ASSERT_GT(lost, 0);
  ASSERT_NE(world_.await<ProcessExited>(), nullptr);
  ASSERT_TRUE(world_.run_until([&] { return process_mark(lost).empty(); }));
  ASSERT_TRUE(process_info(lost));
  world_.table.perform(EndSubtree{"api", generation});
  const auto* gone = world_.await<SubtreeGone>();
  ASSERT_NE(gone, nullptr);
  EXPECT_GE(gone->killed, 1U);
  EXPECT_TRUE(world_.run_until([&] { return !process_info(lost); }));
}

TEST_F(CgroupTest, RemovesTheGroupOfAnEndedGeneration) {
  const auto generation = world_.launch(world_.target({"sleep", "1000"}));
  ASSERT_NE(world_.await<Launched>(), nullptr);
  EXPECT_TRUE(std::filesystem::exists(folder() + "/api.1/cgroup.procs"));
  world_.table.perform(SignalProcess{"api", generation, SIGKILL, true});
  ASSERT_NE(world_.await<ProcessExited>(), nullptr);
  world_.table.perform(EndSubtree{"api", generation});
  ASSERT_NE(world_.await<SubtreeGone>(), nullptr);
  EXPECT_TRUE(world_.run_until([this] { return world_.groups->tidy(); }));
  EXPECT_FALSE(std::filesystem::exists(folder() + "/api.1"));
  const auto top = folder();
  world_.groups.reset();
  EXPECT_FALSE(std::filesystem::exists(top));
}

TEST_F(CgroupTest, AnEmptyGroupServesTheNextGenerationToo) {
  const auto target = world_.target({"sleep", "1000"});
  const auto first = world_.launch(target);
  ASSERT_NE(world_.await<Launched>(), nullptr);
  world_.table.perform(SignalProcess{"api", first, SIGKILL, true});
  ASSERT_NE(world_.await<ProcessExited>(), nullptr);
  world_.table.perform(EndSubtree{"api", first});
  const auto second = world_.launch(target);
  ASSERT_NE(world_.await<SubtreeGone>(), nullptr);
  EXPECT_TRUE(world_.groups->tidy());
  EXPECT_EQ(world_.groups->left("api", second), 1U);
  EXPECT_TRUE(std::filesystem::exists(folder() + "/api.1"));
  EXPECT_FALSE(std::filesystem::exists(folder() + "/api.2"));
}

TEST_F(CgroupTest, AGroupThatIsNotEmptyIsLeftToItsGeneration) {
  const auto lingering = world_.shell("trap '' TERM; (while :; do sleep 1; done) & exit 1");
  const auto first = world_.launch(lingering);
  ASSERT_NE(world_.await<ProcessExited>(), nullptr);
  world_.events.clear();
  const auto second = world_.launch(world_.target({"sleep", "1000"}));
  ASSERT_NE(world_.await<Launched>(), nullptr);
  EXPECT_TRUE(std::filesystem::exists(folder() + "/api.2"));
  world_.table.perform(EndSubtree{"api", first});
  ASSERT_NE(world_.await<SubtreeGone>(), nullptr);
  EXPECT_EQ(world_.groups->left("api", first), 0U);
  EXPECT_EQ(world_.groups->left("api", second), 1U);
}

TEST_F(CgroupTest, FindsTheGroupOfARunThatItDidNotStart) {
  const auto generation = world_.launch(world_.target({"sleep", "1000"}));
  const auto* launched = world_.await<Launched>();
  ASSERT_NE(launched, nullptr);
  Cgroups next(world_.instance);
  EXPECT_FALSE(next.kill("api", generation));
  next.adopt("api", generation, launched->pid);
  EXPECT_EQ(next.kill("api", generation), 1U);
  ASSERT_NE(world_.await<ProcessExited>(), nullptr);
}

// As after KILL of the leaf that made them.
TEST_F(CgroupTest, SweepsWhatAnEarlierLeafLeftEmpty) {
  world_.groups->make("api", 7, {});
  ASSERT_TRUE(std::filesystem::exists(folder() + "/api.7"));
  const Cgroups next(world_.instance);
  EXPECT_FALSE(std::filesystem::exists(folder() + "/api.7"));
}

TEST_F(CgroupTest, LeavesAProcessOfAnotherLeafAlone) {
  const auto generation = world_.launch(
      world_.shell("BANYAN_TARGET=other/api#1 setsid sleep 1000 & echo $!; exec sleep 1000"));
  const int foreign = told_pid();
  ASSERT_GT(foreign, 0);
  ASSERT_TRUE(world_.run_until([&] { return process_mark(foreign) == "other/api#1"; }));
  world_.table.perform(EndSubtree{"api", generation});
  ASSERT_NE(world_.await<SubtreeGone>(), nullptr);
  EXPECT_TRUE(process_info(foreign));
  ::kill(foreign, SIGKILL);
  world_.run_until([&] { return !process_info(foreign); });
}

// With the right to do so a process can leave its group; its mark it keeps.
TEST_F(CgroupTest, FindsLaterWhatLeftTheGroup) {
  const auto outside = std::filesystem::path(folder()).parent_path().string() + "/cgroup.procs";
  const auto generation = world_.launch(
      world_.shell("sleep 1000 & echo $! > " + outside + " && echo $!; exec sleep 1000"));
  const int lost = told_pid();
  ASSERT_GT(lost, 0);
  world_.table.perform(EndSubtree{"api", generation});
  const auto* gone = world_.await<SubtreeGone>();
  ASSERT_NE(gone, nullptr);
  EXPECT_EQ(gone->killed, 1U);
  EXPECT_TRUE(world_.run_until([&] { return !process_info(lost) && !world_.troubles.empty(); }));
}

TEST_F(CgroupTest, LeavesNothingThatLeftTheGroupBehindAtTheEnd) {
  const auto outside = std::filesystem::path(folder()).parent_path().string() + "/cgroup.procs";
  const auto generation = world_.launch(
      world_.shell("sleep 1000 & echo $! > " + outside + " && echo $!; exec sleep 1000"));
  const int lost = told_pid();
  ASSERT_GT(lost, 0);
  world_.table.perform(EndSubtree{"api", generation});
  ASSERT_NE(world_.await<SubtreeGone>(), nullptr);
  world_.table.end_escaped();
  const auto info = process_info(lost);
  EXPECT_TRUE(!info || info->dead());
}

TEST_F(CgroupTest, SaysWhenLimitsDoNotHold) {
  ProcessConfig config;
  EXPECT_EQ(world_.groups->objection(config), "");
  config.memory_max = 64 << 20;
  const bool holds = world_.groups->description().find("memory") != std::string::npos;
  EXPECT_EQ(world_.groups->objection(config).empty(), holds);
}

TEST_F(CgroupTest, TellsAnOomKill) {
  ProcessConfig config;
  config.memory_max = 16 << 20;
  if (!world_.groups->objection(config).empty()) GTEST_SKIP() << world_.groups->description();
  auto greedy = world_.target({"python3", "-c", "x = bytearray(256 << 20)"});
  greedy.process = config;
  world_.launch(greedy);
  const auto* exited = world_.await<ProcessExited>();
  ASSERT_NE(exited, nullptr);
  EXPECT_EQ(exited->signal, SIGKILL);
  EXPECT_TRUE(exited->oom);
}

TEST_F(CgroupTest, TellsWhatARunHasUsed) {
  world_.launch(world_.shell("i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"));
  const auto* exited = world_.await<ProcessExited>();
  ASSERT_NE(exited, nullptr);
  EXPECT_GT(exited->user_ms + exited->system_ms, 10);
  EXPECT_GT(exited->max_rss_bytes, 500'000);
  EXPECT_FALSE(exited->oom);
}

}  // namespace
}  // namespace banyan::leaf
