#include "common/base/shell_split.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace banyan {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(ShellSplit, CutsAtBlanks) {
  EXPECT_THAT(*shell_split("python3 -m  http.server\t8080 "),
              ElementsAre("python3", "-m", "http.server", "8080"));
}

TEST(ShellSplit, GivesNothingForABlankText) {
  EXPECT_THAT(*shell_split(""), IsEmpty());
  EXPECT_THAT(*shell_split(" \t\n"), IsEmpty());
}

TEST(ShellSplit, KeepsSingleQuotedBytesAsTheyAre) {
  EXPECT_THAT(*shell_split(R"(sh -c 'echo "$HOME" \n; exit')"),
              ElementsAre("sh", "-c", R"(echo "$HOME" \n; exit)"));
}

TEST(ShellSplit, KnowsTheEscapesOfDoubleQuotes) {
  EXPECT_THAT(*shell_split(R"("a \"b\" \\ \$x \n")"), ElementsAre(R"(a "b" \ $x \n)"));
}

TEST(ShellSplit, JoinsAdjacentPieces) {
  EXPECT_THAT(*shell_split(R"(a'b c'"d e"\ f)"), ElementsAre("ab cd e f"));
}

TEST(ShellSplit, KeepsEmptyArguments) {
  EXPECT_THAT(*shell_split(R"(a '' "")"), ElementsAre("a", "", ""));
}

TEST(ShellSplit, ExpandsNothing) {
  EXPECT_THAT(*shell_split("echo $HOME *.txt | cat > x"),
              ElementsAre("echo", "$HOME", "*.txt", "|", "cat", ">", "x"));
}

TEST(ShellSplit, DropsEscapedNewlines) {
  EXPECT_THAT(*shell_split("a\\\nb \"c\\\nd\""), ElementsAre("ab", "cd"));
}

TEST(ShellSplit, NamesTheColumnOfAnUnterminatedQuote) {
  EXPECT_EQ(shell_split("echo 'abc").error().where, "column 6");
  EXPECT_EQ(shell_split("echo 'abc").error().what, "unterminated single quote");
  EXPECT_EQ(shell_split("a \"b\\\"").error().where, "column 3");
  EXPECT_EQ(shell_split("ab\\").error().where, "column 3");
}

}  // namespace
}  // namespace banyan
