// All that a target left behind is ended, and nothing else.

#include "leaf/io/subtree.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <filesystem>

#include <csignal>
#include <cstdlib>

#include "tests/integration/leaf_io_world.h"

namespace banyan::leaf {
namespace {

std::set<int> pids_in(const std::string& text) {
  std::set<int> pids;
  std::istringstream stream(text);
  for (int pid = 0; stream >> pid;) pids.insert(pid);
  return pids;
}

bool is_alive(int pid) {
  const auto info = process_info(pid);
  return info && !info->dead();
}

// Prints the pids of a child in its group, one in a session of its own, an orphan in a session of
// its own, and one that ignores TERM; then "ready".
constexpr const char* family =
    "sleep 60 & echo $!\n"
    "setsid sh -c 'echo $$; exec sleep 60' &\n"
    "(setsid sh -c 'echo $$; exec sleep 60' &) \n"
    "sh -c 'trap \"\" TERM HUP; echo $$; while :; do sleep 60; done' &\n";

class Subtree : public testing::Test {
 protected:
  std::set<int> wait_for_pids(std::size_t count) {
    const LogQuery query = all_of();
    world.run_until([&] { return pids_in(world.read_all(query)).size() == count; });
    return pids_in(world.read_all(query));
  }
  // A named pipe: the target that reads it waits until the test writes.
  std::string gate() {
    const auto path = world.scratch / "gate";
    ::mkfifo(path.c_str(), 0600);
    return path;
  }
  void expect_gone(const std::set<int>& pids) {
    for (const int pid : pids) EXPECT_FALSE(is_alive(pid)) << pid;
  }
  World world;
};

TEST_F(Subtree, EndsDescendantsThatOutlivedTheirTarget) {
  const auto generation = world.launch(world.shell(std::string(family) + "read _ < " + gate()));
  const auto pids = wait_for_pids(4);
  ASSERT_EQ(pids.size(), 4U);
  write_file(gate(), "exit\n");
  ASSERT_NE(world.await<ProcessExited>(), nullptr);
  world.table.perform(EndSubtree{"api", generation});
  const auto* gone = world.await<SubtreeGone>();
  ASSERT_NE(gone, nullptr);
  expect_gone(pids);
  EXPECT_GE(gone->killed, 4U);
  EXPECT_EQ(gone->unkillable, 0U);
  EXPECT_GE(world.table.orphans_reaped(), 4U);
}

TEST_F(Subtree, EndsTheLivingTargetTooAndTellsItsExitFirst) {
  const auto generation = world.launch(world.shell(std::string(family) + "wait"));
  const auto pids = wait_for_pids(4);
  ASSERT_EQ(pids.size(), 4U);
  world.table.perform(EndSubtree{"api", generation});
  ASSERT_NE(world.await<SubtreeGone>(), nullptr);
  expect_gone(pids);
  ASSERT_EQ(world.events.size(), 3U);
  ASSERT_TRUE(std::holds_alternative<ProcessExited>(world.events[1]));
  EXPECT_EQ(std::get<ProcessExited>(world.events[1]).signal, SIGKILL);
}

TEST_F(Subtree, FindsAProcessThatClearedItsEnvironmentByItsSession) {
  const auto generation =
      world.launch(world.shell("env -i sleep 60 & echo $!; read _ < " + gate()));
  const auto pids = wait_for_pids(1);
  ASSERT_EQ(pids.size(), 1U);
  ASSERT_TRUE(world.run_until([&] { return process_mark(*pids.begin()).empty(); }));
  write_file(gate(), "exit\n");
  ASSERT_NE(world.await<ProcessExited>(), nullptr);
  world.table.perform(EndSubtree{"api", generation});
  ASSERT_NE(world.await<SubtreeGone>(), nullptr);
  expect_gone(pids);
}

TEST_F(Subtree, AnswersSoonWhenNothingIsLeft) {
  const auto generation = world.launch(world.target({"/bin/true"}));
  ASSERT_NE(world.await<ProcessExited>(), nullptr);
  world.table.perform(EndSubtree{"api", generation});
  const auto* gone = world.await<SubtreeGone>();
  ASSERT_NE(gone, nullptr);
  EXPECT_EQ(gone->killed, 0U);
}

TEST_F(Subtree, SparesOtherTargetsAndOtherGenerations) {
  auto other = world.target({"sleep", "60"});
  other.name = "web";
  world.launch(other);
  ASSERT_NE(world.await<Launched>(), nullptr);
  const int spared = world.last<Launched>()->pid;
  world.table.perform(EndSubtree{"web", 77});
  world.table.perform(EndSubtree{"api", 1});
  ASSERT_TRUE(world.run_until([&] { return world.events.size() == 3; }));
  EXPECT_TRUE(is_alive(spared));
  EXPECT_EQ(world.table.running(), 1U);
}

TEST_F(Subtree, WinsAgainstAProcessThatKeepsForking) {
  const auto generation =
      world.launch(world.shell("f() { (setsid sh -c \"$1\" sh \"$1\" &); }\n"
                               "export LOOP='sleep 0.01; (setsid sh -c \"$LOOP\" &)'\n"
                               "f \"$LOOP\"; f \"$LOOP\"; echo 1; wait"));
  ASSERT_EQ(wait_for_pids(1).size(), 1U);
  world.table.perform(EndSubtree{"api", generation});
  const auto* gone = world.await<SubtreeGone>();
  ASSERT_NE(gone, nullptr);
  EXPECT_EQ(gone->unkillable, 0U);
  const auto mark = target_mark(world.instance, "api", generation);
  for (const auto& process : all_processes()) {
    EXPECT_TRUE(process.dead() || process_mark(process.pid) != mark);
  }
}

// Two leaves' worth of orphans: as after a crash, nobody waits for them.
TEST_F(Subtree, StraysAreThoseOfTheOwnInstanceOnly) {
  World neighbour;
  neighbour.launch(neighbour.target({"sleep", "60"}));
  ASSERT_NE(neighbour.await<Launched>(), nullptr);
  const int spared = neighbour.last<Launched>()->pid;
  world.launch(world.shell(std::string(family) + "wait"));
  const auto pids = wait_for_pids(4);
  ASSERT_EQ(pids.size(), 4U);

  const auto result = end_strays(world.instance);
  EXPECT_GE(result.killed, 5U);
  EXPECT_EQ(result.unkillable, 0U);
  expect_gone(pids);
  EXPECT_TRUE(is_alive(spared));
}

TEST_F(Subtree, AStarterThatIsItselfMarkedIsSpared) {
  const auto own_folder = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  world.launch(world.target({(own_folder / "stray_ender").string()}));
  const auto* exited = world.await<ProcessExited>();
  ASSERT_NE(exited, nullptr);
  EXPECT_EQ(exited->signal, 0);
  EXPECT_EQ(exited->code, 0);
}

TEST_F(Subtree, AnInstanceIsNotAPrefixOfAnother) {
  world.launch(world.target({"sleep", "60"}));
  ASSERT_NE(world.await<Launched>(), nullptr);
  const auto shorter = world.instance.substr(0, world.instance.size() - 1);
  EXPECT_EQ(end_strays(shorter).killed, 0U);
  EXPECT_TRUE(is_alive(world.last<Launched>()->pid));
}

}  // namespace
}  // namespace banyan::leaf
