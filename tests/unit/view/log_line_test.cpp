#include "common/view/log_line.h"

#include <gmock/gmock.h>

#include "common/view/log_merge.h"

namespace banyan::view {
namespace {

using ::testing::HasSubstr;

v1::LogRecord record(std::string data, std::uint64_t offset = 0,
                     std::uint32_t channel = channel_out) {
  v1::LogRecord told;
  told.set_channel(channel);
  told.set_time_ns(1'700'000'000'123'456'789);
  told.set_offset(offset);
  told.set_data(std::move(data));
  return told;
}

TEST(LineJoiner, CutsRecordsIntoLines) {
  LineJoiner joiner;
  std::vector<LogPiece> pieces;
  EXPECT_EQ(joiner.take(record("one\ntwo\nthr", 10), pieces), 3u);
  ASSERT_EQ(pieces.size(), 2u);
  EXPECT_EQ(pieces[1].bytes, "two\n");
  EXPECT_EQ(pieces[1].offset, 14u);
  EXPECT_EQ(pieces[1].credit, 4u);
}

TEST(LineJoiner, JoinsALineThatIsSplitOverRecords) {
  LineJoiner joiner;
  std::vector<LogPiece> pieces;
  joiner.take(record("be", 5), pieces);
  joiner.take(record("err\n", 0, channel_err), pieces);
  joiner.take(record("gun\n", 7), pieces);
  ASSERT_EQ(pieces.size(), 2u);
  EXPECT_EQ(pieces[0].bytes, "err\n");
  EXPECT_EQ(pieces[1].bytes, "begun\n");
  EXPECT_EQ(pieces[1].offset, 5u);
  EXPECT_EQ(pieces[1].credit, 4u);
}

TEST(LineJoiner, GivesBackEveryByteOfCreditOnce) {
  LineJoiner joiner;
  std::vector<LogPiece> pieces;
  std::uint64_t back = 0;
  std::uint64_t given = 0;
  for (std::uint64_t i = 0; i < 50; ++i) {
    const std::string data = std::string(30'000, 'x') + (i % 45 == 44 ? "\nrest" : "");
    given += data.size();
    back += joiner.take(record(data, given), pieces);
  }
  for (const auto& piece : pieces) back += piece.credit;
  EXPECT_EQ(back, given);
}

TEST(LineJoiner, CutsALineThatIsTooLong) {
  LineJoiner joiner;
  std::vector<LogPiece> pieces;
  joiner.take(record(std::string(LineJoiner::max_line + 5, 'x') + "\n"), pieces);
  ASSERT_EQ(pieces.size(), 2u);
  EXPECT_EQ(pieces[0].bytes.size(), LineJoiner::max_line);
  EXPECT_EQ(pieces[1].bytes, "xxxxx\n");
  EXPECT_EQ(pieces[1].offset, LineJoiner::max_line);
}

TEST(LineJoiner, LeavesTheLastUnfinishedLineToTheEnd) {
  LineJoiner joiner;
  std::vector<LogPiece> pieces;
  joiner.take(record("end"), pieces);
  EXPECT_TRUE(pieces.empty());
  joiner.flush(pieces);
  ASSERT_EQ(pieces.size(), 1u);
  EXPECT_THAT(ndjson_line("a/b", pieces[0]), HasSubstr(R"("line":"end","partial":true)"));
}

TEST(NdjsonLine, CarriesPathStreamTimeOffsetAndLine) {
  LogPiece piece{channel_err, 1'700'000'000'123'456'789, 42, "say \"hi\"\n", 0, 0};
  EXPECT_EQ(ndjson_line("dc1/web-1/api", piece),
            R"({"path":"dc1/web-1/api","stream":"stderr",)"
            R"("time":"2023-11-14T22:13:20.123456Z","offset":42,"line":"say \"hi\""})"
            "\n");
}

TEST(NdjsonLine, BytesThatAreNotUtf8AreBase64) {
  EXPECT_THAT(ndjson_line("a", {channel_out, 0, 0, "\xff\xfe\n", 0, 0}),
              HasSubstr(R"("line_b64":"//4=")"));
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
}

TEST(NdjsonLine, HoleIsTold) {
  EXPECT_THAT(ndjson_line("a", {channel_out, 0, 7, "", 100, 0}),
              HasSubstr(R"("offset":7,"gap_bytes":100})"));
}

LogPiece at(std::int64_t time, std::string text) {
  return {channel_out, time, 0, std::move(text), 0, 0};
}

std::string drain(LogMerge& merge, Time now) {
  std::string text;
  while (auto next = merge.take(now)) text += next->second.bytes;
  return text;
}

TEST(LogMerge, WaitsForEveryOpenSource) {
  LogMerge merge(std::nullopt);
  const auto a = merge.add_source();
  const auto b = merge.add_source();
  merge.add(a, at(1, "a1 "), {});
  merge.add(a, at(5, "a5 "), {});
  EXPECT_EQ(drain(merge, never), "");
  merge.add(b, at(3, "b3 "), {});
  EXPECT_EQ(drain(merge, never), "a1 b3 ");
  merge.close(b);
  EXPECT_EQ(drain(merge, never), "a5 ");
  EXPECT_TRUE(merge.empty());
}

TEST(LogMerge, WindowEndsTheWait) {
  LogMerge merge(milliseconds{100});
  const auto a = merge.add_source();
  merge.add_source();
  const Time start{seconds{1}};
  merge.add(a, at(1, "a1"), start);
  EXPECT_EQ(drain(merge, start), "");
  EXPECT_EQ(merge.next_deadline(), start + milliseconds{100});
  EXPECT_EQ(drain(merge, start + milliseconds{100}), "a1");
}

TEST(LogMerge, OneSourceNeverWaits) {
  LogMerge merge(std::nullopt);
  const auto a = merge.add_source();
  merge.add(a, at(9, "x"), {});
  merge.add(a, at(1, "y"), {});
  EXPECT_EQ(drain(merge, {}), "xy");
}

TEST(LogMerge, ClosedSourceStillGivesWhatItHas) {
  LogMerge merge(std::nullopt);
  const auto a = merge.add_source();
  const auto b = merge.add_source();
  merge.add(b, at(2, "b"), {});
  merge.close(b);
  EXPECT_EQ(drain(merge, {}), "");
  merge.close(a);
  EXPECT_EQ(drain(merge, {}), "b");
}

}  // namespace
}  // namespace banyan::view
