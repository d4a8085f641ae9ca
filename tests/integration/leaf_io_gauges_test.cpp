#include "leaf/io/gauges.h"

#include <gtest/gtest.h>

#include "common/io/clock.h"
#include "tests/integration/leaf_io_world.h"

namespace banyan::leaf {
namespace {

Time now() { return banyan::io::read_clock().time; }

std::vector<UsageJob> jobs_of(World& world) {
  return {{"api", 1, {target_mark(world.instance, "api", 1), world.last<Launched>()->pid}}};
}

TEST(GaugeSampler, SumsTheWholeSubtree) {
  World world;
  world.launch(world.shell("setsid sleep 1000 & sleep 1000 & echo up; wait"));
  ASSERT_NE(world.await<Launched>(), nullptr);
  GaugeSampler sampler;
  std::vector<TargetUsage> usage;
  ASSERT_TRUE(world.run_until([&] {
    usage = sampler.sample(jobs_of(world), now(), true);
    return usage.size() == 1 && usage[0].processes == 3;
  }));
  EXPECT_EQ(usage[0].target, "api");
  EXPECT_EQ(usage[0].generation, 1u);
  EXPECT_GT(usage[0].rss_bytes, 1'000'000U);
  EXPECT_GE(usage[0].open_fds, 9U);
  EXPECT_GE(usage[0].uptime, Duration::zero());
  EXPECT_LT(usage[0].uptime, std::chrono::minutes{1});
}

TEST(GaugeSampler, TheCpuOfARunOnlyRisesAlsoWhenItsProcessesEnd) {
  World world;
  world.launch(world.shell("(i=0; while [ $i -lt 50000 ]; do i=$((i+1)); done); sleep 1000"));
  ASSERT_NE(world.await<Launched>(), nullptr);
  GaugeSampler sampler;
  Duration before{0};
  bool burned = false;
  EXPECT_TRUE(world.run_until([&] {
    const auto usage = sampler.sample(jobs_of(world), now(), true);
    if (usage.empty()) return false;
    EXPECT_GE(usage[0].cpu_used, before);
    before = usage[0].cpu_used;
    burned = burned || usage[0].cpu_used > Duration::zero();
    return burned;
  }));
}

TEST(GaugeSampler, HasNothingToSayOfWhatIsGone) {
  GaugeSampler sampler;
  EXPECT_TRUE(sampler.sample({{"api", 1, {"none/api#1", 0x3fffffff}}}, now(), true).empty());
}

}  // namespace
}  // namespace banyan::leaf
