#include "root/cli/run_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace banyan::cli {
namespace {

using testing::Contains;
using testing::HasSubstr;

TEST(RunSettings, MakesOneTargetOfTheCommand) {
  const auto run = parse_run({"--restart", "never", "--", "/usr/bin/my-app", "--port", "80"});
  ASSERT_TRUE(run);
  EXPECT_THAT(run->sets, Contains(HasSubstr("name = \"my-app\", command = [\"/usr/bin/my-app\", "
                                            "\"--port\", \"80\"]")));
  EXPECT_THAT(run->sets, Contains(HasSubstr("restart = \"never\"")));
  EXPECT_THAT(run->sets, Contains("run=true"));
  EXPECT_THAT(run->sets, Contains("keeper=false"));
}

TEST(RunSettings, QuotesWhateverAnArgumentHolds) {
  const auto run = parse_run({"echo", "a\"b\\c\n\x1b"});
  ASSERT_TRUE(run);
  EXPECT_THAT(run->sets, Contains(HasSubstr(R"("a\"b\\c\u000a\u001b")")));
}

TEST(RunSettings, OptionsEndAtTheCommand) {
  const auto run = parse_run({"ls", "--set", "x"});
  ASSERT_TRUE(run);
  EXPECT_THAT(run->sets, Contains(HasSubstr(R"(["ls", "--set", "x"])")));
}

TEST(RunSettings, RestartsOnFailureUnlessToldOtherwise) {
  EXPECT_THAT(parse_run({"ls"})->sets, Contains(HasSubstr("restart = \"on-failure\"")));
}

TEST(RunSettings, RefusesWhatItDoesNotKnow) {
  EXPECT_FALSE(parse_run({}));
  EXPECT_FALSE(parse_run({"--"}));
  EXPECT_FALSE(parse_run({"--restrat", "never", "ls"}));
  EXPECT_FALSE(parse_run({"--restart"}));
}

}  // namespace
}  // namespace banyan::cli
