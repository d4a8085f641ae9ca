// 1,000 seeds of at most 30 nodes: faults and workload together, judged when all is healed.

#include <gtest/gtest.h>

#include "tests/sim/verdict.h"

namespace banyan::sim {
namespace {

constexpr std::uint64_t seeds_per_block = 100;

class Seeds : public testing::TestWithParam<std::uint64_t> {};

TEST_P(Seeds, EndWithOnePictureOneOutcomePerTargetAndEveryEventOnce) {
  const std::uint64_t first = 1 + GetParam() * seeds_per_block;
  for (std::uint64_t seed = first; seed < first + seeds_per_block; ++seed) {
    const Verdict verdict = judge_seed(seed, Mix{});
    EXPECT_TRUE(verdict.good()) << "seed " << seed << "\n" << verdict.text;
  }
}

INSTANTIATE_TEST_SUITE_P(Blocks, Seeds, testing::Range<std::uint64_t>(0, 10));

TEST(Seeds, RepairNothingWhenNothingIsLost) {
  Mix calm;
  calm.quiet_links = true;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Verdict verdict = judge_seed(seed, calm);
    EXPECT_TRUE(verdict.good()) << verdict.text;
  }
}

}  // namespace
}  // namespace banyan::sim
