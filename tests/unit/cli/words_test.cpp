#include "root/cli/words.h"

#include <gtest/gtest.h>

#include "root/cli/outcome.h"
#include "root/cli/when.h"

namespace banyan::cli {
namespace {

TEST(ShortDuration, HasTwoUnitsAtMostAndOnlyDaysFromThreeDaysOn) {
  EXPECT_EQ(short_duration(seconds{-5}), "0s");
  EXPECT_EQ(short_duration(milliseconds{7999}), "7s");
  EXPECT_EQ(short_duration(seconds{252}), "4m12s");
  EXPECT_EQ(short_duration(seconds{22 * 60}), "22m00s");
  EXPECT_EQ(short_duration(seconds{9 * 3600 + 14 * 60}), "9h14m");
  EXPECT_EQ(short_duration(seconds{2 * 86400 + 3 * 3600}), "2d03h");
  EXPECT_EQ(short_duration(seconds{12 * 86400 + 5}), "12d");
}

TEST(Visible, KeepsTabsAndShowsEscapes) { EXPECT_EQ(visible("a\tb\x1b[31mé"), "a\tb\\x1b[31mé"); }

TEST(Cut, CountsCharactersAndMarksWhatIsMissing) {
  EXPECT_EQ(cut("äöü", 3), "äöü");
  EXPECT_EQ(cut("äöüß", 3), "äö…");
  EXPECT_EQ(cut("anything", 0), "anything");
}

TEST(ShellWord, QuotesOnlyWhatAShellWouldChange) {
  EXPECT_EQ(shell_word("dc1/web-1/api"), "dc1/web-1/api");
  EXPECT_EQ(shell_word("**/api"), "'**/api'");
  EXPECT_EQ(shell_word("it's"), "'it'\\''s'");
}

TEST(Rfc3339, ReadsFractionsAndOffsetsAndNothingElse) {
  EXPECT_EQ(wall_ms(*parse_rfc3339("1970-01-01T00:00:01.5Z")), 1500);
  EXPECT_EQ(wall_ms(*parse_rfc3339("1970-01-01T02:00:00+02:00")), 0);
  EXPECT_FALSE(parse_rfc3339("1970-01-01 00:00:01"));
  EXPECT_FALSE(parse_rfc3339("1970-02-30T00:00:00Z"));
  EXPECT_FALSE(parse_rfc3339(""));
}

TEST(ClockText, IsShiftedByTheZone) {
  const WallTime time = *parse_rfc3339("2026-03-01T23:30:05.040Z");
  EXPECT_EQ(clock_text_ms(time, seconds{0}), "23:30:05.040");
  EXPECT_EQ(clock_text(time, seconds{3600}), "00:30:05");
}

TEST(RenderFailure, AlignsTheNextStepsAndShowsControlBytes) {
  Failure failure{exit_unreachable, "cannot reach\x1b", {}};
  failure.steps = {{"is it running?", "a"}, {"or", "b"}, {"", "c"}};
  EXPECT_EQ(render_failure(failure),
            "banyan: cannot reach\\x1b\n  is it running?  a\n  or              b\n  c\n");
}

}  // namespace
}  // namespace banyan::cli
