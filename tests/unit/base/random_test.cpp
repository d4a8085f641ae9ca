#include "common/base/random.h"

#include <gtest/gtest.h>

namespace banyan {
namespace {

TEST(Random, GivesTheNumbersOfSplitmix64) {
  Random random{1234567};
  EXPECT_EQ(random.next(), 6457827717110365317ULL);
  EXPECT_EQ(random.next(), 3203168211198807973ULL);
  EXPECT_EQ(random.next(), 9817491932198370423ULL);
}

TEST(Random, StaysBelowItsBoundAndReachesAllOfIt) {
  Random random{1};
  bool seen[5] = {};
  for (int i = 0; i < 1000; ++i) {
    const auto value = random.below(5);
    ASSERT_LT(value, 5U);
    seen[value] = true;
  }
  for (const bool hit : seen) EXPECT_TRUE(hit);
  EXPECT_EQ(random.below(0), 0U);
}

TEST(Random, UptoIncludesBothEndsAndIsZeroForNoTime) {
  Random random{1};
  bool low = false;
  bool high = false;
  for (int i = 0; i < 1000; ++i) {
    const auto value = random.upto(Duration{3});
    ASSERT_LE(value, Duration{3});
    low = low || value == Duration{0};
    high = high || value == Duration{3};
  }
  EXPECT_TRUE(low && high);
  EXPECT_EQ(random.upto(Duration{0}), Duration{0});
  EXPECT_EQ(random.upto(Duration{-5}), Duration{0});
}

TEST(Random, ChanceIsNeverAtZeroAndAlwaysAtOne) {
  Random random{9};
  int hits = 0;
  for (int i = 0; i < 1000; ++i) {
    EXPECT_FALSE(random.chance(0));
    EXPECT_TRUE(random.chance(1));
    hits += random.chance(0.25) ? 1 : 0;
  }
  EXPECT_GT(hits, 180);
  EXPECT_LT(hits, 320);
}

}  // namespace
}  // namespace banyan
