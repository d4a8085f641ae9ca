#include "leaf/io/notification.h"

#include <gtest/gtest.h>

namespace banyan::leaf {
namespace {

TEST(Notification, UnderstandsTheWordsOfSdNotify) {
  const auto said = parse_notification(
      "READY=1\nRELOADING=1\nSTOPPING=1\nWATCHDOG=1\nSTATUS=Serving 3 of 4\n"
      "EXTEND_TIMEOUT_USEC=1500001\nMAINPID=17\n");
  ASSERT_TRUE(said);
  EXPECT_TRUE(said->ready && said->reloading && said->stopping && said->watchdog);
  EXPECT_EQ(said->status, "Serving 3 of 4");
  EXPECT_EQ(said->extend_ms, 1501);
}

TEST(Notification, SaysOnlyWhatWasSaid) {
  const auto said = parse_notification("WATCHDOG=1");
  ASSERT_TRUE(said);
  EXPECT_TRUE(said->watchdog);
  EXPECT_FALSE(said->ready || said->reloading || said->stopping);
  EXPECT_EQ(said->extend_ms, 0);
  EXPECT_EQ(said->status, "");
}

TEST(Notification, IsNothingWithoutAKnownWord) {
  for (const std::string& text :
       {std::string(), std::string("READY"), std::string("READY=yes"), std::string("BARRIER=1"),
        std::string("EXTEND_TIMEOUT_USEC=-5"), std::string("EXTEND_TIMEOUT_USEC=1e3"),
        std::string("\0\0\n=\n", 5)}) {
    EXPECT_FALSE(parse_notification(text)) << text;
  }
}

TEST(Notification, MakesAStatusVisibleAndShort) {
  const auto said = parse_notification("STATUS=a\x1b[31m\xff" + std::string(1000, 'x'));
  ASSERT_TRUE(said);
  EXPECT_EQ(said->status.substr(0, 13), "a\\x1b[31m\\xff");
  EXPECT_LT(said->status.size(), 300U);
}

TEST(Notification, ExtendsByADayAtMost) {
  EXPECT_EQ(parse_notification("EXTEND_TIMEOUT_USEC=9223372036854775807")->extend_ms,
            24LL * 3600 * 1000);
}

TEST(Mark, NamesTargetAndGenerationOfThisInstanceOnly) {
  const auto owner = parse_mark("abc/api.2#17", "abc");
  ASSERT_TRUE(owner);
  EXPECT_EQ(owner->target, "api.2");
  EXPECT_EQ(owner->generation, 17U);
  for (const auto* mark : {"", "abd/api#1", "abc/api", "abc/api#", "abc/api#1~hook", "abcapi#1"}) {
    EXPECT_FALSE(parse_mark(mark, "abc")) << mark;
  }
}

}  // namespace
}  // namespace banyan::leaf
