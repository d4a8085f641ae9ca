#include "leaf/log_rate.h"

#include <gtest/gtest.h>

namespace banyan::leaf {
namespace {

Time at(Duration since_start) { return Time{} + seconds{1000} + since_start; }

TEST(LogRate, WithoutALimitEverythingPasses) {
  LogRate rate;
  EXPECT_EQ(rate.allowed(at(seconds{0}), 1 << 30), 1U << 30);
}

TEST(LogRate, ABurstPassesAtOnceAndNothingBehindIt) {
  LogRate rate;
  rate.configure(1000);
  EXPECT_EQ(rate.allowed(at(seconds{0}), 9999), 5000U);
  rate.used(5000);
  EXPECT_EQ(rate.allowed(at(seconds{0}), 1), 0U);
  EXPECT_EQ(rate.allowed(at(milliseconds{4900}), 1), 0U) << "until the bucket is full";
  EXPECT_EQ(rate.allowed(at(seconds{5}), 9999), 5000U);
}

TEST(LogRate, WhoStaysBelowTheRateLosesNothing) {
  LogRate rate;
  rate.configure(1000);
  for (int second = 0; second < 100; ++second) {
    ASSERT_GE(rate.allowed(at(seconds{second}), 900), 900U);
    rate.used(900);
  }
}

TEST(LogRate, InTheLongRunItKeepsNoMoreThanTheRateAndTheFirstBurst) {
  LogRate rate;
  rate.configure(1000);
  std::uint64_t kept = 0;
  for (int ms = 0; ms <= 60'000; ms += 10) {
    const auto now = rate.allowed(at(milliseconds{ms}), 100);
    rate.used(now);
    kept += now;
  }
  EXPECT_LE(kept, 65'000U);
  EXPECT_GE(kept, 35'000U);
}

TEST(LogRate, AClockThatStoodStillGivesNoMoreThanABurst) {
  LogRate rate;
  rate.configure(1000);
  rate.used(5000);
  EXPECT_EQ(rate.allowed(at(std::chrono::hours{1}), 1 << 20), 5000U);
}

}  // namespace
}  // namespace banyan::leaf
