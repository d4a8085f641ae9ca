#include "common/base/name.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace banyan {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::pair<std::string, std::string> strings(std::pair<std::string_view, std::string_view> pair) {
  return {std::string{pair.first}, std::string{pair.second}};
}

TEST(Name, BeginsWithALetterOrDigitAndHasAtMost63Bytes) {
  EXPECT_TRUE(is_name("web-1.example_x"));
  EXPECT_TRUE(is_name("1"));
  EXPECT_TRUE(is_name(std::string(63, 'a')));
  for (const auto& text :
       {std::string{}, std::string(64, 'a'), std::string{"-a"}, std::string{".a"}, std::string{"A"},
        std::string{"a/b"}, std::string{"a b"}, std::string{"a\n"}, std::string{"a\0b", 3}}) {
    EXPECT_FALSE(is_name(text)) << text;
  }
}

TEST(Name, MendingAlwaysGivesAName) {
  EXPECT_EQ(mend_name("Data Centre 1"), "data-centre-1");
  EXPECT_EQ(mend_name("--x"), "x");
  EXPECT_EQ(mend_name("good"), "good");
  EXPECT_EQ(mend_name(""), "unnamed");
  EXPECT_EQ(mend_name("///"), "unnamed");
  EXPECT_TRUE(is_name(mend_name("\xc3\xbc" + std::string(200, 'X'))));
}

TEST(Path, JoinsAndSplits) {
  EXPECT_EQ(join_path("a", "b/c"), "a/b/c");
  EXPECT_EQ(join_path("", "b"), "b");
  EXPECT_EQ(join_path("a", ""), "a");
  EXPECT_EQ(strings(split_first("a/b/c")), (std::pair<std::string, std::string>{"a", "b/c"}));
  EXPECT_EQ(strings(split_first("a")), (std::pair<std::string, std::string>{"a", ""}));
  EXPECT_EQ(strings(split_last("a/b/c")), (std::pair<std::string, std::string>{"a/b", "c"}));
  EXPECT_EQ(strings(split_last("a")), (std::pair<std::string, std::string>{"", "a"}));
  EXPECT_THAT(split_path("a/b/c"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(split_path(""), IsEmpty());
}

TEST(Path, IsNamesJoinedBySlashesUpToTheDeepest) {
  EXPECT_TRUE(is_path(""));
  EXPECT_TRUE(is_path("dc1/web-1/api"));
  for (const auto* text : {"/", "/a", "a/", "a//b", "a/B", "../a"}) {
    EXPECT_FALSE(is_path(text)) << text;
  }
  std::string deep = "a";
  for (std::size_t i = 0; i < max_tree_depth; ++i) deep += "/a";
  EXPECT_TRUE(is_path(deep));
  EXPECT_FALSE(is_path(deep + "/a"));
}

}  // namespace
}  // namespace banyan
