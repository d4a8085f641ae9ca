#include "leaf/io/gauges.h"

#include <gtest/gtest.h>

namespace banyan::leaf {
namespace {

constexpr const char* rest =
    " S 1 17 17 0 -1 4194560 100 0 0 0 70 30 5 5 20 0 4 0 123456 10000000 2048 "
    "18446744073709551615 1 1 0\n";

TEST(Gauges, ReadTheNumbersOfAProcess) {
  const auto numbers = parse_stat_numbers(std::string("17 (api)") + rest);
  ASSERT_TRUE(numbers);
  EXPECT_EQ(numbers->cpu_ticks, 100U);
  EXPECT_EQ(numbers->start_ticks, 123456U);
  EXPECT_EQ(numbers->rss_pages, 2048U);
}

TEST(Gauges, AreNotMisledByTheNameOfAProcess) {
  const auto numbers = parse_stat_numbers(std::string("17 (a) R 9 9 (b)") + rest);
  ASSERT_TRUE(numbers);
  EXPECT_EQ(numbers->cpu_ticks, 100U);
}

TEST(Gauges, AreNoneOfACutText) {
  EXPECT_FALSE(parse_stat_numbers(""));
  EXPECT_FALSE(parse_stat_numbers("17 (api"));
  EXPECT_FALSE(parse_stat_numbers("17 (api) S 1 17 17 0 -1"));
}

}  // namespace
}  // namespace banyan::leaf
