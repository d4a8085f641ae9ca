// What a target wrote is what a reader gets.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "leaf/io/line_level.h"
#include "tests/integration/leaf_io_log_world.h"

namespace banyan::leaf {
namespace {

using testing::HasSubstr;

class LogReading : public LogWorld {};

TEST_F(LogReading, RoundTripIsEqualByBytes) {
  attach();
  const auto bytes = awkward_bytes();
  out(bytes);
  close_pipes();
  EXPECT_TRUE(world.read_all(all_of(LogStream::out)) == bytes);
  EXPECT_TRUE(world.read_all(all_of()) == bytes);
}

TEST_F(LogReading, RecordsAreSmallAndEndAtLineEndsAndFollowEachOther) {
  attach();
  out(awkward_bytes());
  close_pipes();
  std::uint64_t offset = 0;
  for (const auto& record : world.read_records(all_of(LogStream::out))) {
    EXPECT_LE(record.data.size(), log_record_max);
    EXPECT_EQ(record.offset, offset);
    EXPECT_GT(record.time_ns, 0);
    offset += record.data.size();
    const bool whole = record.data.ends_with('\n') || record.data.find('\n') == std::string::npos;
    EXPECT_TRUE(whole);
  }
}

TEST_F(LogReading, SmallChunksGiveTheSameBytes) {
  attach();
  const auto bytes = awkward_bytes();
  out(bytes.substr(1 << 20));
  close_pipes();
  std::string text;
  for (const auto& record : world.read_records(all_of(), 700)) text += record.data;
  EXPECT_TRUE(text == bytes.substr(1 << 20));
}

TEST_F(LogReading, BothStreamsAreMergedInTimeOrder) {
  attach();
  std::vector<std::string> expected;
  for (int i = 0; i < 50; ++i) {
    out(fmt::format("a{}\n", i));
    err(fmt::format("b{}\nc{}\n", i, i));
    expected.push_back(fmt::format("out:a{}", i));
    expected.push_back(fmt::format("err:b{}", i));
    expected.push_back(fmt::format("err:c{}", i));
  }
  EXPECT_EQ(lines(all_of()), expected);
  auto query = all_of();
  for (const std::int64_t tail : {0, 1, 2, 3, 4, 50, 149, 150, 1000}) {
    query.tail = tail;
    const auto count = std::min<std::ptrdiff_t>(tail, std::ssize(expected));
    EXPECT_EQ(lines(query), std::vector<std::string>(expected.end() - count, expected.end()))
        << tail;
  }
}

TEST_F(LogReading, ALineThatComesInTwoPartsIsNotTornByTheOtherStream) {
  attach();
  out("one ");
  err("between\n");
  out("line\n");
  close_pipes();
  EXPECT_EQ(lines(all_of()), (std::vector<std::string>{"out:one line", "err:between"}));
}

TEST_F(LogReading, TailCountsTheUnfinishedLastLine) {
  attach();
  out("one\ntwo\nthree");
  close_pipes();
  auto query = all_of(LogStream::out);
  query.tail = 2;
  EXPECT_EQ(world.read_all(query), "two\nthree");
}

TEST_F(LogReading, TailReachesBehindLongLinesAndManyBlocks) {
  attach();
  const std::string tail = std::string(300'000, 'y') + "\n" + std::string(150'000, 'z') + "\n";
  out("before\n" + tail);
  auto query = all_of(LogStream::out);
  query.tail = 2;
  EXPECT_TRUE(world.read_all(query) == tail);
}

TEST_F(LogReading, OffsetBeginsThere) {
  attach();
  out("0123456789\n");
  auto query = all_of(LogStream::out);
  query.offset = 4;
  EXPECT_EQ(world.read_all(query), "456789\n");
  query.offset = 400;
  EXPECT_EQ(world.read_all(query), "");
}

TEST_F(LogReading, OffsetNeedsOneStream) {
  attach();
  auto query = all_of();
  query.offset = 4;
  const auto* failed = failure_of(query);
  ASSERT_NE(failed, nullptr);
  EXPECT_THAT(failed->text, HasSubstr("one stream"));
}

TEST_F(LogReading, SinceAndUntilChooseByTheTimeALineBegan) {
  attach();
  // The index says when: three batches, the second of which begins within a line.
  std::filesystem::create_directories(folder());
  write_file(folder() + "/stdout.00000000000000000000.log", "one\ntwo and\nthree\nfour\n");
  const std::vector<IndexEntry> index = {
      {0, 1'000'000'000}, {8, 2'000'000'000}, {18, 3'000'000'000}};
  write_file(folder() + "/stdout.00000000000000000000.idx",
             std::string(reinterpret_cast<const char*>(index.data()), 48));
  World later;
  std::filesystem::create_directories(later.scratch / "logs");
  std::filesystem::copy(folder(), later.scratch / "logs/api");
  auto query = all_of();
  query.since_ms = 1500;
  EXPECT_EQ(later.read_all(query), "three\nfour\n");
  query.since_ms = 2500;
  EXPECT_EQ(later.read_all(query), "four\n");
  query.since_ms = 3500;
  EXPECT_EQ(later.read_all(query), "");
  query.since_ms = -1;
  query.until_ms = 1500;
  EXPECT_EQ(later.read_all(query), "one\ntwo and\n");
  query.since_ms = 1500;
  query.until_ms = 2500;
  EXPECT_EQ(later.read_all(query), "three\n");
}

TEST_F(LogReading, GrepGivesWholeMatchingLines) {
  attach();
  for (int i = 0; i < 1000; ++i) out(fmt::format("line {}\n", i));
  err("line 77 too\nno\n");
  auto query = all_of();
  query.grep = "77( |$)";
  EXPECT_EQ(lines(query), (std::vector<std::string>{"out:line 77", "out:line 177", "out:line 277",
                                                    "out:line 377", "out:line 477", "out:line 577",
                                                    "out:line 677", "out:line 777", "out:line 877",
                                                    "out:line 977", "err:line 77 too"}));
}

TEST_F(LogReading, TailWithGrepGivesTheLastMatches) {
  attach();
  for (int i = 0; i < 20'000; ++i) out(fmt::format("line {}\n", i));
  err("line 777 too\n");
  for (int i = 0; i < 20'000; ++i) out(fmt::format("more {}\n", i));
  auto query = all_of();
  query.grep = "line .*777";
  query.tail = 4;
  EXPECT_EQ(lines(query), (std::vector<std::string>{"out:line 17779", "out:line 18777",
                                                    "out:line 19777", "err:line 777 too"}));
}

TEST_F(LogReading, GrepPassesAMatchingLongLineWhole) {
  attach();
  const std::string line = "needle" + std::string(100'000, 'x') + "\n";
  out("hay\n" + line + "hay\n");
  auto query = all_of();
  query.grep = "needle";
  EXPECT_TRUE(world.read_all(query) == line);
}

TEST_F(LogReading, GrepRefusesABadPatternByName) {
  attach();
  auto query = all_of();
  query.grep = "a(b";
  const auto* failed = failure_of(query);
  ASSERT_NE(failed, nullptr);
  EXPECT_THAT(failed->text, HasSubstr("missing )"));
}

TEST_F(LogReading, LevelTakesLinesThatAreGraveEnoughAndWhatContinuesThem) {
  attach();
  out("INFO begun\nERROR it broke\n  at one.cpp:1\n\tat two.cpp:2\nCaused by: three\n");
  out("nothing said\n  of no level\n[warn] nearly\nlevel=fatal over\n");
  err("plain\n<3>by syslog\n<6>no\n");
  auto query = all_of();
  query.level = level_warning;
  EXPECT_EQ(lines(query), (std::vector<std::string>{"out:ERROR it broke", "out:  at one.cpp:1",
                                                    "out:\tat two.cpp:2", "out:Caused by: three",
                                                    "out:[warn] nearly", "out:level=fatal over",
                                                    "err:<3>by syslog"}));
  query.grep = "o";
  query.level = level_error;
  EXPECT_EQ(lines(query), (std::vector<std::string>{"out:ERROR it broke", "out:  at one.cpp:1",
                                                    "out:\tat two.cpp:2", "out:level=fatal over",
                                                    "err:<3>by syslog"}));
}

TEST_F(LogReading, LevelOfJsonLinesIsTheirMember) {
  LogConfig config;
  config.parse = LogParse::json;
  attach(config);
  out("{\"level\":\"error\",\"m\":1}\n{\"level\": 30, \"m\": \"error\"}\n{\"lvl\":50}\n");
  auto query = all_of();
  query.level = level_error;
  EXPECT_EQ(lines(query),
            (std::vector<std::string>{"out:{\"level\":\"error\",\"m\":1}", "out:{\"lvl\":50}"}));
}

TEST_F(LogReading, TailWithLevelCountsTheLinesThatSayIt) {
  attach();
  for (int i = 0; i < 5; ++i) out(fmt::format("ERROR {}\n  more of {}\ninfo {}\n", i, i, i));
  auto query = all_of();
  query.level = level_error;
  query.tail = 2;
  EXPECT_EQ(lines(query), (std::vector<std::string>{"out:ERROR 3", "out:  more of 3", "out:ERROR 4",
                                                    "out:  more of 4"}));
}

TEST_F(LogReading, ThePreviousRunIsTheOneBeforeThePresent) {
  attach();
  auto query = all_of();
  query.previous = true;
  world.logs.begin_run("api", 1);
  out("first\n");
  const auto* failed = failure_of(query);
  ASSERT_NE(failed, nullptr);
  EXPECT_THAT(failed->text, HasSubstr("no run before"));
  world.logs.begin_run("api", 2);
  out("second\n");
  err("second too\n");
  world.logs.begin_run("api", 3);
  out("third\n");
  err("third too\n");
  EXPECT_EQ(lines(query), (std::vector<std::string>{"out:second", "err:second too"}));
  EXPECT_EQ(RunMarks(folder()).all().size(), 3U) << "on the disk too";
}

TEST_F(LogReading, UnknownTargetAndPathsFail) {
  auto query = all_of();
  for (const std::string target : {"nobody", "../logs", ""}) {
    query.target = target;
    const auto* failed = failure_of(query);
    ASSERT_NE(failed, nullptr) << target;
    EXPECT_EQ(failed->text, "no log of target " + target + " here");
  }
}

TEST_F(LogReading, FollowerHearsOfGrowthAndHoldsBackAnUnfinishedLine) {
  attach();
  out("one\n");
  auto query = all_of();
  query.follow = true;
  world.logs.perform(OpenLog{1, query});
  bool at_end = false;
  EXPECT_EQ(next_chunk(1, at_end), "one\n");
  EXPECT_TRUE(at_end);
  out("two\nthr");
  EXPECT_TRUE(grew(1));
  EXPECT_EQ(next_chunk(1, at_end), "two\n");
  EXPECT_TRUE(at_end);
  close_pipes();
  EXPECT_TRUE(grew(1));
  EXPECT_EQ(next_chunk(1, at_end), "thr");
}

TEST_F(LogReading, ReaderThatDoesNotFollowEndsWhereItWasOpened) {
  attach();
  out("one\n");
  world.logs.perform(OpenLog{1, all_of()});
  out("two\n");
  bool at_end = false;
  EXPECT_EQ(next_chunk(1, at_end), "one\n");
  EXPECT_TRUE(at_end);
}

}  // namespace
}  // namespace banyan::leaf
