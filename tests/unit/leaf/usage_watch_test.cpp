// restart_on: memory and CPU above a limit for a time, as the supervisor sees it.

#include <gmock/gmock.h>

#include "leaf/target_facts.h"
#include "tests/unit/leaf/target_bench.h"

namespace banyan::leaf {
namespace {

using ::testing::HasSubstr;

TargetConfig limited(std::uint64_t memory, double cpu, Duration hold) {
  auto config = TargetBench::default_config();
  config.restart_on = {memory, cpu, hold};
  return config;
}

// A running target whose usage is sampled whenever it is asked for.
class UsageWatchTest : public ::testing::Test {
 protected:
  void run(const TargetConfig& config) { bench_.emplace(TargetBench::running(config)); }
  // To the next sample; returns whether one was asked for.
  bool sample(std::uint64_t rss, Duration cpu_used = Duration::zero()) {
    bench_->effects = {};
    bench_->pass(bench_->supervisor.next_deadline() - bench_->now.time);
    const bool asked = bench_->effects.samples == std::vector<std::string>{"api"};
    UsageSampled sampled;
    sampled.targets.push_back({"api", bench_->status().generation, cpu_used, rss, 3, 1, {}});
    bench_->supervisor.handle(sampled, bench_->now, bench_->effects);
    return asked;
  }

  std::optional<TargetBench> bench_;
};

TEST_F(UsageWatchTest, WithoutALimitNothingIsSampled) {
  run(TargetBench::default_config());
  EXPECT_EQ(bench_->supervisor.next_deadline(), never);
}

TEST_F(UsageWatchTest, SamplesAThirdOfTheTimeApartOnAGridForAll) {
  run(limited(1000, 0, seconds{6}));
  EXPECT_EQ(bench_->supervisor.next_deadline() - bench_->now.time, seconds{2});
  EXPECT_EQ(sample_interval({1000, 0, seconds{60}}), seconds{5});
  EXPECT_EQ(sample_interval({1000, 0, Duration{0}}), milliseconds{100});
}

TEST_F(UsageWatchTest, MemoryAboveTheLimitForTheTimeStopsAndRunsAnew) {
  run(limited(1000, 0, seconds{6}));
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(sample(1001));
    EXPECT_EQ(bench_->state(), TargetState::running);
  }
  EXPECT_TRUE(sample(2048));
  EXPECT_EQ(bench_->state(), TargetState::stopping);
  const auto failed = bench_->notices<InstanceFailed>();
  ASSERT_EQ(failed.size(), 1u);
  const auto event = event_of(failed[0], bench_->now);
  EXPECT_EQ(event->kind(), "over_limit");
  EXPECT_EQ(event->text(), "memory 2 KiB above 1000 B for 6s");
  EXPECT_EQ(event->data(), R"({"generation":1,"limit":"memory","rss_bytes":2048,)"
                           R"("limit_bytes":1000,"for_ms":6000,"processes":1})");
  bench_->exited(0, 15);
  bench_->gone(1);
  EXPECT_EQ(bench_->status().generation, 2u);
  EXPECT_EQ(bench_->status().restarts, 1u) << "counted like a run that failed";
}

TEST_F(UsageWatchTest, OneSampleBelowBeginsAnew) {
  run(limited(1000, 0, seconds{6}));
  for (const std::uint64_t rss : {1001, 1001, 1001, 1000, 1001, 1001, 1001}) sample(rss);
  EXPECT_EQ(bench_->state(), TargetState::running);
  sample(1001);
  EXPECT_EQ(bench_->state(), TargetState::stopping);
}

TEST_F(UsageWatchTest, CpuIsTheMeanBetweenTwoSamples) {
  run(limited(0, 1.5, seconds{6}));
  Duration used{0};
  sample(0, used);
  for (int i = 0; i < 2; ++i) sample(0, used += seconds{4});
  EXPECT_EQ(bench_->state(), TargetState::running);
  sample(0, used += seconds{4});  // 2 CPUs for 6 s
  EXPECT_EQ(bench_->state(), TargetState::stopping);
  EXPECT_EQ(bench_->notices<InstanceFailed>().at(0).text, "cpu 2.00 above 1.50 for 6s");
}

TEST_F(UsageWatchTest, CpuBelowTheLimitOnAverageIsNoReason) {
  run(limited(0, 1.5, seconds{6}));
  Duration used{0};
  for (int i = 0; i < 20; ++i) sample(0, used += i % 3 == 0 ? seconds{2} : seconds{4});
  EXPECT_EQ(bench_->state(), TargetState::running);
}

TEST_F(UsageWatchTest, WithoutATimeTheFirstSampleAboveCounts) {
  run(limited(1000, 0, Duration{0}));
  sample(1001);
  EXPECT_EQ(bench_->state(), TargetState::stopping);
}

TEST_F(UsageWatchTest, CountsAgainstMaxRestarts) {
  auto config = limited(1000, 0, Duration{0});
  config.max_restarts = {1, seconds{60}};
  config.backoff = {Duration{0}, Duration{0}};
  run(config);
  for (std::uint64_t generation = 1; generation <= 2; ++generation) {
    sample(1001);
    bench_->exited(0, 15);
    bench_->gone(generation);
    if (generation == 1) bench_->launched();
  }
  EXPECT_EQ(bench_->state(), TargetState::failed);
  EXPECT_THAT(bench_->status().error, HasSubstr("memory 1001 B above 1000 B"));
}

TEST_F(UsageWatchTest, ASampleOfAnEarlierRunIsNotHeard) {
  run(limited(1000, 0, Duration{0}));
  UsageSampled late;
  late.targets.push_back({"api", 7, {}, 5000, 3, 1, {}});
  bench_->supervisor.handle(late, bench_->now, bench_->effects);
  EXPECT_EQ(bench_->state(), TargetState::running);
}

TEST_F(UsageWatchTest, AChangedLimitHoldsWithoutARestart) {
  const auto config = limited(1000, 0, seconds{6});
  run(config);
  auto changed = config;
  changed.restart_on.memory = 0;
  bench_->supervisor.reconfigure({changed}, bench_->now, bench_->effects);
  EXPECT_EQ(bench_->state(), TargetState::running);
  EXPECT_EQ(bench_->supervisor.next_deadline(), never);
}

TEST_F(UsageWatchTest, WhileStoppingNothingIsSampled) {
  run(limited(1000, 0, seconds{6}));
  bench_->ask(1, RequestVerb::stop);
  bench_->exited(0, 15);
  bench_->gone(1);
  EXPECT_EQ(bench_->supervisor.next_deadline(), never);
}

}  // namespace
}  // namespace banyan::leaf
