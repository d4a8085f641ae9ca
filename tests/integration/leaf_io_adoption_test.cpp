// What the process table tells of processes that another leaf launched.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "leaf/io/inheritance.h"
#include "tests/integration/leaf_io_world.h"

namespace banyan::leaf {
namespace {

KeptRun ended(std::uint64_t generation, int code) {
  KeptRun run;
  keeper::set_target(run.message, "api", 3);
  run.message.generation = generation;
  run.message.pid = 1 << 29;  // nobody's
  run.message.flags = keeper::over;
  run.message.code = code;
  run.message.ended_ms = 1'600'000'000'000 + static_cast<std::int64_t>(generation);
  return run;
}

TEST(AdoptedProcesses, EachEndThatNobodyAcknowledgedIsToldOldestFirst) {
  World world;
  const std::vector<TargetConfig> targets{world.shell(":")};
  KeeperLink link;
  link.runs.push_back(ended(7, 3));  // as a keeper does: the newest first
  link.runs.push_back(ended(6, 5));
  inherit(link, targets, world.instance);
  world.table.take_children(std::move(link.runs), targets);
  ASSERT_TRUE(world.run_until([&] { return world.table.quiet(); }));
  std::vector<std::pair<std::uint64_t, int>> told;
  for (const auto& event : world.events) {
    const auto& exited = std::get<ProcessExited>(event);
    told.emplace_back(exited.generation, exited.code);
    EXPECT_EQ(wall_ms(*exited.at), 1'600'000'000'000 + static_cast<int>(exited.generation));
  }
  EXPECT_THAT(told, testing::ElementsAre(testing::Pair(6U, 5), testing::Pair(7U, 3)));
  EXPECT_EQ(world.table.running(), 0U);
}

}  // namespace
}  // namespace banyan::leaf
