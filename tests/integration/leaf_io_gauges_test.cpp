#include "leaf/io/gauges.h"

#include <gtest/gtest.h>

#include "common/io/clock.h"
#include "tests/integration/leaf_io_world.h"

namespace banyan::leaf {
namespace {

Time now() { return banyan::io::read_clock().time; }

TEST(GaugeSampler, SumsTheWholeSubtree) {
  World world;
  world.launch(world.shell("setsid sleep 1000 & sleep 1000 & echo up; wait"));
  ASSERT_NE(world.await<Launched>(), nullptr);
  const SubtreeJob job{target_mark(world.instance, "api", 1), world.last<Launched>()->pid};
  GaugeSampler sampler;
  std::optional<Gauges> gauges;
  ASSERT_TRUE(world.run_until([&] {
    gauges = sampler.sample("api", job, now());
    return gauges && gauges->processes == 3;
  }));
  EXPECT_GT(gauges->rss_bytes, 1'000'000U);
  EXPECT_GE(gauges->open_fds, 9U);
  EXPECT_GE(gauges->uptime, Duration::zero());
  EXPECT_LT(gauges->uptime, std::chrono::minutes{1});
}

TEST(GaugeSampler, MeasuresTheCpuBetweenTwoSamples) {
  World world;
  world.launch(world.shell("while :; do :; done"));
  ASSERT_NE(world.await<Launched>(), nullptr);
  const SubtreeJob job{target_mark(world.instance, "api", 1), world.last<Launched>()->pid};
  GaugeSampler sampler;
  sampler.sample("api", job, now());
  std::optional<Gauges> gauges;
  EXPECT_TRUE(world.run_until([&] {
    gauges = sampler.sample("api", job, now());
    return gauges && gauges->cpu > 0;
  }));
}

TEST(GaugeSampler, HasNothingToSayOfWhatIsGone) {
  GaugeSampler sampler;
  EXPECT_FALSE(sampler.sample("api", {"none/api#1", 0x3fffffff}, now()));
}

}  // namespace
}  // namespace banyan::leaf
