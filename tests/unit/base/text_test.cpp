#include "common/base/text.h"

#include <gtest/gtest.h>

namespace banyan {
namespace {

const std::vector<std::string> keys{"hb_interval", "timeout", "name", "host", "port"};

TEST(DidYouMean, FindsASlipOfTheFinger) {
  EXPECT_EQ(did_you_mean("hb_intervall", keys), "hb_interval");
  EXPECT_EQ(did_you_mean("tiemout", keys), "timeout");
  EXPECT_EQ(did_you_mean("Name", keys), "name");
  EXPECT_EQ(did_you_mean("hots", keys), "host");
}

TEST(DidYouMean, StaysSilentWhenNothingIsNear) {
  EXPECT_EQ(did_you_mean("colour", keys), std::nullopt);
  EXPECT_EQ(did_you_mean("", keys), std::nullopt);
  EXPECT_EQ(did_you_mean(std::string(1000, 'x'), keys), std::nullopt);
}

TEST(DidYouMean, PrefersTheNearest) {
  EXPECT_EQ(did_you_mean("prt", {"part", "port", "pot"}), "part");
  EXPECT_EQ(did_you_mean("hb_intervul", {"hb_interpol", "hb_interval"}), "hb_interval");
}

TEST(Visible, LeavesOrdinaryTextAlone) {
  EXPECT_EQ(visible("plain text, ümlaut, 木, \\x1b"), "plain text, ümlaut, 木, \\x1b");
}

TEST(Visible, DisarmsTerminalCommands) {
  EXPECT_EQ(visible("\x1b[31mred"), "\\x1b[31mred");
  EXPECT_EQ(visible("a\nb\tc\x7f"), "a\\x0ab\\x09c\\x7f");
  EXPECT_EQ(visible("\xc2\x9b"
                    "31m"),
            "\\xc2\\x9b31m");
  EXPECT_EQ(visible("\xe2\x80\xae"), "\\xe2\\x80\\xae");
}

TEST(Visible, ShowsBytesThatAreNotUtf8) {
  EXPECT_EQ(visible("a\xff\xc3"), "a\\xff\\xc3");
  EXPECT_EQ(visible("\xc0\x80"), "\\xc0\\x80");
}

TEST(IsUtf8, RefusesOverlongFormsAndSurrogates) {
  EXPECT_TRUE(is_utf8("a木😀"));
  EXPECT_FALSE(is_utf8("\xed\xa0\x80"));
  EXPECT_FALSE(is_utf8("\xe0\x80\x80"));
  EXPECT_FALSE(is_utf8("\xf4\x90\x80\x80"));
  EXPECT_FALSE(is_utf8("\xe2\x82"));
}

}  // namespace
}  // namespace banyan
