// What is kept of a target's output, also when the disk, other people or other processes interfere.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>

#include "tests/integration/leaf_io_log_world.h"

namespace banyan::leaf {
namespace {

using testing::HasSubstr;

class LogKeeping : public LogWorld {};

TEST_F(LogKeeping, RotationKeepsMaxFilesAndTellsTheGap) {
  LogConfig config;
  config.max_size = 10'000;
  config.max_files = 3;
  attach(config);
  auto query = all_of(LogStream::out);
  query.offset = 0;
  std::string bytes;
  for (int i = 0; bytes.size() < 100'000; ++i) bytes += fmt::format("line {}\n", i);
  out(bytes);
  EXPECT_EQ(files(".log"), 3U);
  EXPECT_EQ(files(".idx"), 3U);
  const auto records = world.read_records(query);
  ASSERT_FALSE(records.empty());
  const auto gap = records.front().gap_bytes;
  EXPECT_EQ(records.front().offset, 0U);
  EXPECT_GE(gap, 70'000U);
  std::string kept;
  for (const auto& record : records) kept += record.data;
  EXPECT_EQ(kept, bytes.substr(gap));
}

TEST_F(LogKeeping, ReaderIsToldWhatRotatedAwayUnderIt) {
  LogConfig config;
  config.max_size = 10'000;
  config.max_files = 2;
  attach(config);
  auto query = all_of(LogStream::out);
  query.follow = true;
  out(std::string(4999, 'a') + "\n");
  world.logs.perform(OpenLog{1, query});
  bool at_end = false;
  EXPECT_EQ(next_chunk(1, at_end).size(), 5000U);
  for (int i = 0; i < 100; ++i) out(std::string(999, 'b') + "\n");
  ASSERT_TRUE(grew(1));
  world.log_events.clear();
  world.logs.perform(ReadLog{1, 30'000});
  ASSERT_TRUE(world.run_until([this] { return !world.log_events.empty(); }));
  const auto& chunk = std::get<LogChunk>(world.log_events.front());
  ASSERT_GE(chunk.records.size(), 2U);
  EXPECT_EQ(chunk.records[0].offset, 5000U);
  EXPECT_EQ(chunk.records[0].gap_bytes, chunk.records[1].offset - 5000U);
}

TEST_F(LogKeeping, RestartContinuesTheOffsets) {
  LogConfig config;
  config.max_size = 50;
  attach(config);
  out("0123456789\n");
  close_pipes();
  Scratch copy;
  std::filesystem::copy(folder(), copy / "api");
  LogStore second(world.loop, copy.path(), {[](const LogEvent&) {}, {}});
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
  Descriptor writer(ends[1]);
  Descriptor unused;
  second.attach("api", config, Descriptor(ends[0]), pipe(unused));
  ASSERT_EQ(::write(writer.get(), "more\n", 5), 5);
  second.drain("api");
  EXPECT_EQ(contents(copy / "api/stdout.00000000000000000000.log"), "0123456789\nmore\n");
  const auto index = contents(copy / "api/stdout.00000000000000000000.idx");
  ASSERT_EQ(index.size(), 32U);
  EXPECT_EQ(reinterpret_cast<const IndexEntry*>(index.data())[1].offset, 11U);
}

TEST_F(LogKeeping, IndexIsCutToMatchItsSegment) {
  Scratch scratch;
  const std::vector<IndexEntry> index = {{100, 5}, {104, 6}, {110, 7}, {120, 8}};
  const std::string bytes(reinterpret_cast<const char*>(index.data()), 64);
  write_file(scratch / "x.idx", bytes + "torn");
  IndexWriter writer;
  ASSERT_TRUE(writer.open(scratch / "x.idx", {100, 1}, 10));
  EXPECT_EQ(contents(scratch / "x.idx"), bytes.substr(0, 32));
  ASSERT_TRUE(writer.open(scratch / "x.idx", {200, 1}, 10));
  IndexReader reader;
  ASSERT_TRUE(reader.open(scratch / "x.idx"));
  ASSERT_EQ(reader.count(), 1U);
  EXPECT_EQ(reader.entry(0).offset, 200U);
}

TEST_F(LogKeeping, DeletedDirectoryIsMadeAgain) {
  attach();
  out("one\n");
  std::filesystem::remove_all(folder());
  out("two\n");
  EXPECT_EQ(world.read_all(all_of()), "two\n");
  EXPECT_EQ(contents(folder() + "/stdout.00000000000000000004.log"), "two\n");
  ASSERT_EQ(world.troubles.size(), 1U);
  EXPECT_THAT(world.troubles[0], HasSubstr("deleted"));
}

// A limit on file sizes stands for a disk that takes no more.
TEST_F(LogKeeping, FullDiskDropsAndCountsAndNeverStallsTheTarget) {
  attach();
  rlimit old = {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
  const auto old_action = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small = {8192, old.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  std::string bytes;
  for (int i = 0; bytes.size() < 100'000; ++i) bytes += fmt::format("line {}\n", i);
  out(bytes);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &old), 0);
  std::signal(SIGXFSZ, old_action);

  EXPECT_EQ(world.logs.dropped_bytes(), bytes.size() - 8192);
  EXPECT_EQ(world.troubles.size(), 1U);
  EXPECT_EQ(world.read_records(all_of(LogStream::out)).back().gap_bytes, bytes.size() - 8192);
}

TEST_F(LogKeeping, MovesNoMoreThanItsBudgetPerTurn) {
  const Descriptor reader = pipe(out_);
  StreamLog log(folder(), "stdout");
  ASSERT_EQ(::write(out_.get(), std::string(3000, 'x').data(), 3000), 3000);
  const auto first = log.take(reader.get(), 1000);
  EXPECT_EQ(first.bytes, 1000U);
  EXPECT_TRUE(first.more);
  EXPECT_EQ(log.take(reader.get(), 5000).bytes, 2000U);
}

TEST_F(LogKeeping, SilentTargetMakesNoFiles) {
  attach();
  close_pipes();
  EXPECT_FALSE(std::filesystem::exists(folder()));
  EXPECT_EQ(world.read_all(all_of()), "");
}

TEST_F(LogKeeping, TwoGenerationsWriteIntoOneStream) {
  attach();
  Descriptor old_out = std::move(out_);
  Descriptor old_err = std::move(err_);
  attach();
  write(old_out, "old\n");
  out("new\n");
  EXPECT_EQ(world.logs.pipes(), 4U);
  EXPECT_EQ(world.read_all(all_of()), "old\nnew\n");
}

TEST_F(LogKeeping, PipesOfEscapedDescendantsAreBounded) {
  std::vector<Descriptor> writers;
  for (int i = 0; i < 20; ++i) {
    attach();
    writers.push_back(std::move(out_));
    writers.push_back(std::move(err_));
  }
  EXPECT_EQ(world.logs.pipes(), 16U);
  EXPECT_EQ(world.logs.closed_pipes(), 24U);
}

// One writer that never pauses: the loop still serves everybody else.
TEST_F(LogKeeping, EndlessWriterDoesNotStarveTheLoop) {
  auto config = world.target({"cat", "/dev/zero"});
  config.name = "flood";
  config.log.max_size = 4 << 20;
  config.log.max_files = 2;
  world.launch(config);
  ASSERT_TRUE(world.run_until([this] { return bytes_in(world.scratch / "logs/flood") > 6 << 20; }));
  world.launch(world.shell("echo quick; exit 3"));
  const auto* exited = world.await<ProcessExited>();
  ASSERT_NE(exited, nullptr);
  EXPECT_EQ(exited->code, 3);
  EXPECT_EQ(world.read_all(all_of()), "quick\n");
  EXPECT_LE(bytes_in(world.scratch / "logs/flood"), 9U << 20);
}

}  // namespace
}  // namespace banyan::leaf
