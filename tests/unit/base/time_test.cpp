#include "common/base/time.h"

#include <gtest/gtest.h>

namespace banyan {
namespace {

TEST(Rfc3339, IsUtcWithMilliseconds) {
  EXPECT_EQ(rfc3339(wall_from_ms(0)), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(rfc3339(wall_from_ms(1'772'366'400'123)), "2026-03-01T12:00:00.123Z");
  EXPECT_EQ(rfc3339(wall_from_ms(951'782'399'999)), "2000-02-28T23:59:59.999Z");
}

TEST(Rfc3339, ShowsTimesBefore1970) {
  EXPECT_EQ(rfc3339(wall_from_ms(-1)), "1969-12-31T23:59:59.999Z");
}

TEST(WallTime, SurvivesTheWayOverTheWire) {
  EXPECT_EQ(wall_ms(wall_from_ms(-7)), -7);
  EXPECT_EQ(wall_ms(wall_from_ms(1'772'366'400'123)), 1'772'366'400'123);
}

TEST(After, StaysAtNeverInsteadOfOverflowing) {
  EXPECT_EQ(after(Time{} + seconds{1}, seconds{2}), Time{} + seconds{3});
  EXPECT_EQ(after(never, seconds{1}), never);
  EXPECT_EQ(after(Time{} + seconds{1}, Duration::max()), never);
}

}  // namespace
}  // namespace banyan
