// What the keeper kept on disk comes into the log exactly once, whenever the leaf is killed.

#include "leaf/io/spill_merge.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include "leaf/io/launch_block.h"
#include "tests/integration/leaf_io_world.h"

namespace banyan::leaf {
namespace {

class SpillMerge : public testing::Test {
 protected:
  SpillMerge() {
    std::filesystem::create_directory(spill());
    world.output_of(world.shell("echo before"));
  }
  std::string spill() const { return world.scratch / "spill"; }
  void write_spill(const std::string& name, const std::string& text) {
    write_file(spill() + "/" + name, text);
  }
  void mark(const std::string& text) { write_file(spill() + "/merging", text); }
  // As a leaf that has just been started: with its own view of the log's files.
  MergedSpill merge(std::uint64_t segment_bytes = 64 << 20) {
    LogConfig config;
    config.max_size = segment_bytes;
    StreamLog out(world.scratch / "logs/api", "stdout");
    StreamLog err(world.scratch / "logs/api", "stderr");
    out.configure(config);
    err.configure(config);
    return merge_spill(spill(), [&](const std::string&, LogStream stream) -> StreamLog& {
      return stream == LogStream::out ? out : err;
    });
  }
  // As the next leaf finds it.
  std::vector<LogRecord> records(LogStream stream = LogStream::out) {
    World fresh;
    std::filesystem::remove_all(fresh.scratch / "logs");
    std::filesystem::copy(world.scratch / "logs", fresh.scratch / "logs",
                          std::filesystem::copy_options::recursive);
    return fresh.read_records(all_of(stream));
  }
  std::string text(LogStream stream = LogStream::out) {
    std::string all;
    for (const auto& record : records(stream)) all += record.data;
    return all;
  }
  std::size_t files_left() {
    const auto entries = std::filesystem::directory_iterator(spill());
    return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
  }
  World world;
};

TEST_F(SpillMerge, AppendsFilesInTheOrderOfGenerationsAndAbsences) {
  write_spill("api@10.stdout.30", "third\n");
  write_spill("api@9.stdout.20", "second\n");
  write_spill("api@9.stdout.10", "first\n");
  write_spill("api@9.stderr.10", "error\n");
  const auto merged = merge();
  EXPECT_EQ(merged.files, 4U);
  EXPECT_EQ(text(), "before\nfirst\nsecond\nthird\n");
  EXPECT_EQ(text(LogStream::err), "error\n");
  EXPECT_EQ(files_left(), 0U);
}

TEST_F(SpillMerge, BeginsAnewWhereACrashInterruptedIt) {
  write_spill("api@1.stdout.10", "one\n");
  EXPECT_EQ(merge().bytes, 4U);
  // The file is there again, as if the leaf had been killed right before it was removed.
  write_spill("api@1.stdout.10", "one\ntwo\n");
  mark("api@1.stdout.10 7\n");
  merge();
  EXPECT_EQ(text(), "before\none\ntwo\n");
}

TEST_F(SpillMerge, BeginsAnewOverSegments) {
  const std::string lines = "0123456\n0123456\n0123456\n";
  write_spill("api@1.stdout.10", lines);
  merge(10);
  write_spill("api@1.stdout.10", lines);
  mark("api@1.stdout.10 7\n");
  merge(10);
  EXPECT_EQ(text(), "before\n" + lines);
}

TEST_F(SpillMerge, AMarkerOfAnotherFileMeansNothing) {
  write_spill("api@1.stdout.20", "new\n");
  mark("api@1.stdout.10 0\n");
  merge();
  EXPECT_EQ(text(), "before\nnew\n");
}

TEST_F(SpillMerge, WhatWasDroppedIsAGap) {
  write_spill("api@1.stdout.10+4096", "kept\n");
  write_spill("api@1.stdout.20", "later\n");
  EXPECT_EQ(merge().dropped, 4096U);
  std::uint64_t gap = 0;
  for (const auto& record : records()) gap += record.gap_bytes;
  EXPECT_EQ(gap, 4096U);
  EXPECT_EQ(text(), "before\nkept\nlater\n");
}

TEST_F(SpillMerge, KeepsTheTimesOfTheIndex) {
  write_spill("api@1.stdout.10", "one\ntwo\n");
  const std::int64_t index[] = {0, 2'000'000'000'000'000'000, 4, 2'000'000'001'000'000'000};
  write_spill("api@1.stdout.10.idx",
              std::string(reinterpret_cast<const char*>(index), sizeof index));
  merge();
  const auto all = records();
  EXPECT_EQ(all.back().time_ns, 2'000'000'001'000'000'000);
  EXPECT_EQ(files_left(), 0U);
}

TEST_F(SpillMerge, StrangeFilesAreLeftAlone) {
  write_spill("notes.txt", "x");
  write_spill("api@x.stdout.1", "x");
  write_spill("../escape", "x");
  EXPECT_EQ(merge().files, 0U);
  EXPECT_EQ(text(), "before\n");
}

Descriptor block_file(const ChildFrame& frame, std::size_t& size) {
  char* const block = make_launch_block(frame, size);
  Descriptor file(store_launch_block(block, size));
  std::free(block);
  return file;
}

TEST(LaunchBlock, GivesBackWhatWasWritten) {
  char word[] = "word";
  char empty[] = "";
  char home[] = "HOME=/root";
  char homely[] = "HOMELY=yes";
  char* arguments[] = {word, empty, nullptr};
  char* environment[] = {homely, home, nullptr};
  ChildFrame frame;
  frame.path = "/bin/x";
  frame.arguments = arguments;
  frame.environment = environment;
  frame.umask = 027;
  std::size_t size = 0;
  const Descriptor file = block_file(frame, size);
  ASSERT_TRUE(file);
  LaunchBlock block;
  ASSERT_TRUE(block.open(file.get(), size));
  EXPECT_STREQ(block.frame().path, "/bin/x");
  EXPECT_STREQ(block.frame().arguments[0], "word");
  EXPECT_STREQ(block.frame().arguments[1], "");
  EXPECT_EQ(block.frame().arguments[2], nullptr);
  EXPECT_STREQ(block.variable("HOME"), "/root");
  EXPECT_EQ(block.variable("PATH"), nullptr);
  EXPECT_EQ(block.frame().working_directory, nullptr);
  EXPECT_EQ(block.frame().umask, 027);
}

TEST(LaunchBlock, CarriesAllThatAProcessIsGiven) {
  char word[] = "word";
  char before[] = "A=1";
  char pid[32] = "WATCHDOG_PID=";
  char after[] = "Z=26";
  char* arguments[] = {word, nullptr};
  char* environment[] = {before, pid, after, nullptr};
  const RawLimit limits[] = {{7, {1, 2}}, {4, {3, ~0ULL}}};
  const unsigned groups[] = {10, 20, 30};
  ChildFrame frame;
  frame.path = "/bin/x";
  frame.arguments = arguments;
  frame.environment = environment;
  frame.working_directory = "/srv";
  frame.limits = limits;
  frame.limit_count = 2;
  frame.change_groups = true;
  frame.groups = groups;
  frame.group_count = 3;
  frame.group = 4'000'000'000;
  frame.user = 17;
  frame.change_nice = true;
  frame.nice = -5;
  frame.io_priority = 3 << 13;
  frame.oom_score_adj = "-333";
  frame.oom_score_size = 4;
  frame.no_new_privs = true;
  frame.ready_number = 9;
  frame.pid_text = pid + 13;
  std::size_t size = 0;
  const Descriptor file = block_file(frame, size);
  LaunchBlock block;
  ASSERT_TRUE(block.open(file.get(), size));
  const ChildFrame& got = block.frame();
  ASSERT_EQ(got.limit_count, 2U);
  EXPECT_EQ(got.limits[1].resource, 4);
  EXPECT_EQ(got.limits[1].values.soft, 3U);
  EXPECT_EQ(got.limits[1].values.hard, ~0ULL);
  ASSERT_EQ(got.group_count, 3U);
  EXPECT_EQ(got.groups[2], 30U);
  EXPECT_TRUE(got.change_groups && got.change_nice && got.no_new_privs);
  EXPECT_EQ(got.group, 4'000'000'000);
  EXPECT_EQ(got.user, 17);
  EXPECT_EQ(got.nice, -5);
  EXPECT_EQ(got.io_priority, 3 << 13);
  EXPECT_EQ(got.ready_number, 9);
  EXPECT_STREQ(got.oom_score_adj, "-333");
  EXPECT_EQ(got.oom_score_size, 4U);
  EXPECT_STREQ(got.working_directory, "/srv");
  std::memcpy(got.pid_text, "2147483647", 11);
  EXPECT_STREQ(block.variable("WATCHDOG_PID"), "2147483647");
  EXPECT_STREQ(block.variable("Z"), "26");
  EXPECT_STREQ(got.path, "/bin/x");
}

TEST(LaunchBlock, RefusesABlockOfAnotherVersion) {
  char word[] = "word";
  char* arguments[] = {word, nullptr};
  ChildFrame frame;
  frame.path = "/bin/x";
  frame.arguments = arguments;
  frame.environment = arguments;
  std::size_t size = 0;
  const Descriptor file = block_file(frame, size);
  std::uint64_t head_size = 0;
  ASSERT_EQ(::pread(file.get(), &head_size, sizeof head_size, 0), 8);
  head_size += 8;
  ASSERT_EQ(::pwrite(file.get(), &head_size, sizeof head_size, 0), 8);
  LaunchBlock block;
  EXPECT_FALSE(block.open(file.get(), size));
}

TEST(LaunchBlock, RefusesWhatIsNoBlock) {
  const Descriptor file(::memfd_create("test", MFD_CLOEXEC));
  const std::string rubbish(4096, '\7');
  ASSERT_EQ(::write(file.get(), rubbish.data(), rubbish.size()), 4096);
  LaunchBlock block;
  EXPECT_FALSE(block.open(file.get(), rubbish.size()));
  LaunchBlock small;
  EXPECT_FALSE(small.open(file.get(), 8));
}

}  // namespace
}  // namespace banyan::leaf
