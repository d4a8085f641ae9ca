// What happens to a log after it was written: compression, age, limits of disk and rate.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdlib>

#include "leaf/io/packed_segment.h"
#include "tests/integration/leaf_io_log_world.h"

namespace banyan::leaf {
namespace {

using testing::HasSubstr;

std::string numbered_lines(std::size_t bytes) {
  std::string text;
  for (int i = 0; text.size() < bytes; ++i) text += fmt::format("line {}\n", i);
  return text;
}

// A limit on file sizes stands for a disk that takes no more.
class SmallDisk {
 public:
  explicit SmallDisk(rlim_t bytes) : old_action_(std::signal(SIGXFSZ, SIG_IGN)) {
    EXPECT_EQ(::getrlimit(RLIMIT_FSIZE, &old_), 0);
    const rlimit small = {bytes, old_.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  }
  ~SmallDisk() {
    ::setrlimit(RLIMIT_FSIZE, &old_);
    std::signal(SIGXFSZ, old_action_);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

 private:
  rlimit old_ = {};
  void (*old_action_)(int);
};

class LogUpkeepTest : public LogWorld {
 protected:
  void write_log(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    write_file(path, text);
  }
  void set_age(const std::string& file, std::chrono::seconds age) const {
    const auto time = std::filesystem::file_time_type::clock::now() - age;
    std::filesystem::last_write_time(file, time);
  }
  void wait_for_packed(std::size_t count) {
    ASSERT_TRUE(world.run_until([&] { return files(".zst") == count && files(".tmp") == 0; }));
    ASSERT_TRUE(world.run_until([&] { return files(".log") == 1; }));
  }
  LogConfig small_segments() {
    LogConfig config;
    config.max_size = 1 << 20;
    config.max_files = 8;
    return config;
  }
};

TEST_F(LogUpkeepTest, ClosedSegmentsAreCompressedAndReadAsBefore) {
  world.logs.start_packing();
  attach(small_segments());
  const auto text = numbered_lines(3'500'000);
  out(text);
  wait_for_packed(3);
  EXPECT_LT(bytes_in(folder()), text.size());
  EXPECT_EQ(world.read_all(all_of()), text);
  auto query = all_of(LogStream::out);
  query.offset = 2'000'000;
  EXPECT_EQ(world.read_all(query), text.substr(2'000'000));
  query = all_of(LogStream::out);
  query.tail = 3;
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n') - 1,
            std::stol(world.read_all(query).substr(world.read_all(query).rfind(' '))));
  query = all_of(LogStream::out);
  query.grep = "^line 4711$";
  EXPECT_EQ(world.read_all(query), "line 4711\n");
}

TEST_F(LogUpkeepTest, PlainToolsReadACompressedSegment) {
  world.logs.start_packing();
  attach(small_segments());
  const auto text = numbered_lines(1'200'000);
  out(text);
  wait_for_packed(1);
  const auto to = world.scratch / "plain";
  const auto packed = folder() + "/stdout.00000000000000000000.log.zst";
  if (std::system("zstd --version > /dev/null 2>&1") != 0) GTEST_SKIP() << "no zstd here";
  ASSERT_EQ(std::system(fmt::format("zstd -qdc '{}' > '{}'", packed, to).c_str()), 0);
  EXPECT_EQ(contents(to), text.substr(0, 1 << 20));
}

TEST_F(LogUpkeepTest, ALogWithCompressedSegmentsGoesOnAfterARestart) {
  world.logs.start_packing();
  attach(small_segments());
  const auto text = numbered_lines(2'500'000);
  out(text);
  wait_for_packed(2);
  // As a crash leaves it: half compressed, and complete but not yet in the text's place.
  const auto copy = world.scratch / "again/api";
  std::filesystem::create_directories(copy);
  std::filesystem::copy(folder(), copy);
  write_file(copy + "/stdout.00000000000002097152.log.zst.tmp", "half");
  write_file(copy + "/stdout.00000000000002097152.log.zst", "whole, but the text is there too");
  const StreamLog again(copy, "stdout");
  EXPECT_EQ(again.begin(), 0U);
  EXPECT_EQ(again.end(), text.size());
  ASSERT_EQ(again.segments().size(), 3U);
  EXPECT_FALSE(again.segments()[2].packed);
  EXPECT_FALSE(std::filesystem::exists(copy + "/stdout.00000000000002097152.log.zst.tmp"));
  LogView view(again);
  std::string bytes;
  EXPECT_EQ(view.read(0, text.size(), bytes), text.size());
  EXPECT_EQ(bytes, text);
}

TEST_F(LogUpkeepTest, ADamagedCompressedSegmentIsSetAsideAndTold) {
  world.logs.start_packing();
  attach(small_segments());
  out(numbered_lines(2'500'000));
  wait_for_packed(2);
  const auto packed = folder() + "/stdout.00000000000000000000.log.zst";
  std::filesystem::resize_file(packed, std::filesystem::file_size(packed) - 20);
  StreamLog again(folder(), "stdout");
  EXPECT_EQ(again.begin(), 1U << 20);
  EXPECT_THAT(again.take_trouble(), HasSubstr(".damaged"));
  EXPECT_TRUE(std::filesystem::exists(packed + ".damaged"));
}

TEST_F(LogUpkeepTest, ADamagedFrameIsAHoleAndWhatIsBehindItIsRead) {
  world.logs.start_packing();
  attach(small_segments());
  const auto text = numbered_lines(2'500'000);
  out(text);
  wait_for_packed(2);
  const auto packed = folder() + "/stdout.00000000000000000000.log.zst";
  auto bytes = contents(packed);
  for (std::size_t i = bytes.size() / 2; i < bytes.size() / 2 + 100; ++i) bytes[i] ^= 0x55;
  write_file(packed, bytes);
  std::uint64_t next = 0;
  std::uint64_t gap = 0;
  for (const auto& record : world.read_records(all_of(LogStream::out))) {
    EXPECT_EQ(record.offset, next);
    EXPECT_EQ(record.data, text.substr(next, record.data.size()));
    gap += record.gap_bytes;
    next += record.data.size() + record.gap_bytes;
  }
  EXPECT_EQ(gap, packed_frame_bytes);
  EXPECT_EQ(next, text.size());
}

TEST_F(LogUpkeepTest, WhatWasSpilledIsNotSubjectToTheRate) {
  LogConfig config;
  config.rate = 2000;
  StreamLog log(folder(), "stdout");
  log.configure(config);
  const Descriptor reader = pipe(out_);
  ASSERT_EQ(::write(out_.get(), std::string(60'000, 'x').data(), 60'000), 60'000);
  log.stamp(1'000);
  EXPECT_EQ(log.take(reader.get(), 60'000).bytes, 60'000U);
  EXPECT_EQ(log.dropped_bytes(), 0U);
}

TEST_F(LogUpkeepTest, WhatWasSpilledIsNotDroppedWhenTheDiskIsFull) {
  StreamLog log(folder(), "stdout");
  log.configure({});
  const Descriptor reader = pipe(out_);
  ASSERT_EQ(::write(out_.get(), std::string(20'000, 'x').data(), 20'000), 20'000);
  log.stamp(1'000);
  const SmallDisk small(8192);
  StreamLog::Taken taken;
  for (int i = 0; i < 3; ++i) taken = log.take(reader.get(), 20'000);
  EXPECT_TRUE(taken.blocked);
  EXPECT_EQ(log.end(), 8192U);
  EXPECT_EQ(log.dropped_bytes(), 0U);
}

TEST_F(LogUpkeepTest, NothingIsCompressedUnlessAskedFor) {
  world.logs.start_packing();
  auto config = small_segments();
  config.compress = false;
  attach(config);
  out(numbered_lines(2'500'000));
  EXPECT_EQ(files(".log"), 3U);
  EXPECT_EQ(files(".zst"), 0U);
}

TEST_F(LogUpkeepTest, WhatIsAboveTheRateIsDroppedAndCountedExactly) {
  LogConfig config;
  config.rate = 2000;
  attach(config);
  const auto text = numbered_lines(200'000);
  out(text);
  const auto records = world.read_records(all_of(LogStream::out));
  std::uint64_t kept = 0;
  std::uint64_t lost = 0;
  for (const auto& record : records) {
    kept += record.data.size();
    lost += record.gap_bytes;
    EXPECT_EQ(record.data, text.substr(record.offset, record.data.size()));
  }
  EXPECT_GE(kept, 10'000U) << "what may come at once";
  EXPECT_EQ(kept + lost, text.size());
  EXPECT_EQ(world.logs.dropped_bytes(), lost);
  ASSERT_EQ(world.troubles.size(), 1U);
  EXPECT_THAT(world.troubles[0], HasSubstr("log.rate"));
}

TEST_F(LogUpkeepTest, WithOnFullBlockTheTargetWaitsAndNothingIsLost) {
  LogConfig config;
  config.on_full = OnFull::block;
  attach(config);
  {
    const SmallDisk small(8192);
    out(std::string(8191, 'a') + "\n");
    ASSERT_EQ(::write(out_.get(), "later\n", 6), 6);
    ASSERT_TRUE(world.run_until([this] { return !world.troubles.empty(); }));
    EXPECT_EQ(world.read_all(all_of()), std::string(8191, 'a') + "\n");
  }
  EXPECT_EQ(world.logs.dropped_bytes(), 0U);
  EXPECT_THAT(world.troubles[0], HasSubstr("the target waits"));
  ASSERT_TRUE(world.run_until([this] { return world.logs.logs_of("api")->out.end() == 8198; }))
      << "it goes on by itself";
  EXPECT_TRUE(world.read_all(all_of()).ends_with("\nlater\n"));
}

TEST_F(LogUpkeepTest, ATargetKeepsWithinItsDisk) {
  LogConfig config;
  config.max_disk = 100'000;
  attach(config);
  out(numbered_lines(500'000));
  err(numbered_lines(50'000));
  EXPECT_LE(bytes_in(folder()), 110'000U);
  EXPECT_GE(bytes_in(folder()), 70'000U);
  EXPECT_FALSE(world.read_all(all_of(LogStream::err)).empty());
}

TEST_F(LogUpkeepTest, AllTargetsTogetherKeepWithinTheDiskOfTheLeaf) {
  write_log(folder() + "/stdout.00000000000000000000.log", std::string(150'000, 'o'));
  write_log(folder() + "/stdout.00000000000000150000.log", "");
  const auto other = world.scratch / "logs/gone/stdout.00000000000000000000.log";
  write_log(other, std::string(100'000, 'g'));
  write_log(world.scratch / "logs/gone/stdout.00000000000000100000.log", "more");
  set_age(other, std::chrono::hours{2});
  set_age(folder() + "/stdout.00000000000000000000.log", std::chrono::hours{1});
  world.logs.set_max_disk(300'000);
  attach();
  out(std::string(200'000, 'n') + "\n");
  EXPECT_FALSE(std::filesystem::exists(other)) << "of a target that is not configured any more";
  EXPECT_FALSE(std::filesystem::exists(folder() + "/stdout.00000000000000000000.log"));
  EXPECT_EQ(world.logs.logs_of("api")->out.end(), 350'001U) << "the newest stays";
}

TEST_F(LogUpkeepTest, SegmentsBeyondMaxAgeGo) {
  write_log(folder() + "/stdout.00000000000000000000.log", "old\n");
  write_log(folder() + "/stdout.00000000000000000004.log", "young\n");
  set_age(folder() + "/stdout.00000000000000000000.log", std::chrono::hours{2});
  StreamLog log(folder(), "stdout");
  LogConfig config;
  config.max_age = std::chrono::hours{1};
  log.configure(config);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  log.expire(std::chrono::nanoseconds(now).count());
  EXPECT_EQ(log.begin(), 4U);
  log.expire(std::chrono::nanoseconds(now + std::chrono::hours{2}).count());
  EXPECT_TRUE(log.segments().empty());
  EXPECT_EQ(log.end(), 10U) << "offsets go on";
}

TEST_F(LogUpkeepTest, AnOpenSegmentEndsAfterAQuarterOfMaxAge) {
  const Descriptor reader = pipe(out_);
  StreamLog log(folder(), "stdout");
  LogConfig config;
  config.max_age = std::chrono::hours{1};
  log.configure(config);
  ASSERT_EQ(::write(out_.get(), "one\n", 4), 4);
  log.take(reader.get(), 100);
  const std::chrono::nanoseconds now = std::chrono::system_clock::now().time_since_epoch();
  log.expire((now + std::chrono::minutes{14}).count());
  EXPECT_FALSE(log.segments().back().closed);
  log.expire((now + std::chrono::minutes{16}).count());
  EXPECT_TRUE(log.segments().back().closed);
  ASSERT_EQ(::write(out_.get(), "two\n", 4), 4);
  log.take(reader.get(), 100);
  EXPECT_EQ(log.segments().size(), 2U);
  EXPECT_EQ(log.end(), 8U);
}

TEST_F(LogUpkeepTest, HolesDoNotPushOutWhatFitsIntoTheSize) {
  attach();
  StreamLog& log = world.logs.stream_of("api", LogStream::out);
  for (int i = 0; i < 100; ++i) {
    out("kept\n");
    log.skip(10);
  }
  EXPECT_EQ(log.begin(), 0U);
  EXPECT_EQ(log.dropped_bytes(), 1000U);
}

}  // namespace
}  // namespace banyan::leaf
