#include "root/cli/log_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "root/cli/when.h"

namespace banyan::cli {
namespace {

LogLine line_of(const std::string& path, const char* time, std::int64_t offset) {
  LogLine line;
  line.path = path;
  line.stream = "stdout";
  line.time_text = time;
  line.time = parse_rfc3339(time);
  line.offset = offset;
  line.line = "text";
  return line;
}

constexpr const char* early = "2026-03-01T12:00:00.000Z";
constexpr const char* late = "2026-03-01T12:00:01.000Z";

TEST(ParseLogLine, TakesTextBytesAndGaps) {
  const auto text =
      parse_log_line(R"({"path":"a/b","time":"2026-03-01T12:00:00Z","offset":5,"line":"x\u001b"})");
  ASSERT_TRUE(text);
  EXPECT_EQ(text->line, "x\x1b");
  EXPECT_EQ(text->offset, 5);
  EXPECT_TRUE(text->time);
  EXPECT_EQ(parse_log_line(R"({"line_b64":"/wB/"})")->line, std::string("\xff\0\x7f", 3));
  EXPECT_EQ(parse_log_line(R"({"path":"a/b","gap_bytes":12})")->gap_bytes, 12);
  EXPECT_TRUE(parse_log_line(R"({"line":"cut","partial":true})")->partial);
  EXPECT_EQ(parse_log_line(R"({"path":"a","error":"lost"})")->error, "lost");
  EXPECT_FALSE(parse_log_line("{"));
  EXPECT_FALSE(parse_log_line(R"({"line_b64":"*"})"));
}

TEST(ShortNames, AreTheShortestTailsThatAreUnique) {
  const auto names = short_names({"sin/web-3/api", "sin/web-4/api", "sin/web-4/db"});
  EXPECT_EQ(names.at("sin/web-3/api"), "web-3/api");
  EXPECT_EQ(names.at("sin/web-4/db"), "db");
  EXPECT_EQ(short_names({"api", "x/api"}).at("api"), "api");
}

TEST(LogPainter, PrefixesAndPadsAndShowsGaps) {
  const LogPainter painter({"a/api", "a/worker"}, false, View{});
  EXPECT_EQ(painter.draw(line_of("a/api", early, 0)), "api     12:00:00.000 text\n");
  LogLine gap;
  gap.path = "a/worker";
  gap.gap_bytes = 14541;
  EXPECT_EQ(painter.draw(gap), "worker  ── 14 KiB rotated away here ──\n");
}

TEST(LogPainter, CutsAndShowsControlBytesOnlyOnATerminal) {
  LogLine line = line_of("a/api", early, 0);
  line.line = "\x1b[2J" + std::string(100, 'x');
  View view;
  EXPECT_THAT(LogPainter({"a/api"}, false, view).draw(line), testing::HasSubstr("\x1b[2J"));
  view.style.terminal = true;
  view.style.width = 40;
  const std::string drawn = LogPainter({"a/api"}, false, view).draw(line);
  EXPECT_THAT(drawn, testing::HasSubstr("\\x1b[2Jxx"));
  EXPECT_THAT(drawn, testing::EndsWith("x…\n"));
}

TEST(LogPosition, TakesEachLineOnceAndSaysWhereToGoOn) {
  LogPosition position;
  EXPECT_EQ(position.offset(), "");
  EXPECT_TRUE(position.take(line_of("a", early, 0)));
  EXPECT_TRUE(position.take(line_of("a", late, 10)));
  EXPECT_FALSE(position.take(line_of("a", late, 10)));
  EXPECT_EQ(position.offset(), "10");
  EXPECT_EQ(position.since(), late);
  EXPECT_TRUE(position.take(line_of("b", early, 0)));
  EXPECT_EQ(position.offset(), "");
}

}  // namespace
}  // namespace banyan::cli
