// The loop's deadline and signals, and the logger.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <unistd.h>

#include "common/io/logger.h"
#include "common/io/loop.h"
#include "tests/integration/io_support.h"

namespace banyan::io {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

TEST(Loop, CallsAtEachDeadlineAndNeverBefore) {
  std::vector<Time> wanted;
  const Time begin = read_clock().time;
  for (int i = 1; i <= 5; ++i) wanted.push_back(begin + milliseconds{3} * i);
  wanted.push_back(never);
  std::size_t next = 0;
  Loop* running = nullptr;
  Loop loop({.next_deadline = [&] { return wanted[next]; },
             .on_time =
                 [&](Now now) {
                   EXPECT_GE(now.time, wanted[next]);
                   if (++next == 5) running->stop(3);
                 },
             .on_signal = {}});
  running = &loop;
  EXPECT_EQ(loop.run(), 3);
  EXPECT_EQ(next, 5U);
}

TEST(Loop, ADeadlineMovedForwardOrBackIsFollowed) {
  Time deadline = read_clock().time + seconds{60};
  Loop* running = nullptr;
  Loop loop({.next_deadline = [&] { return deadline; },
             .on_time = [&](Now) { running->stop(0); },
             .on_signal =
                 [&](int number) {
                   EXPECT_EQ(number, SIGHUP);
                   deadline = Time{};
                 }});
  running = &loop;
  ::raise(SIGHUP);
  EXPECT_EQ(loop.run(), 0);
}

class LoggerTest : public testing::Test {
 protected:
  LoggerTest() {
    EXPECT_EQ(::pipe2(pipe_, O_CLOEXEC), 0);
    EXPECT_EQ(::fcntl(pipe_[0], F_SETFL, O_NONBLOCK), 0);
  }
  ~LoggerTest() override {
    ::close(pipe_[0]);
    ::close(pipe_[1]);
  }
  std::string take() {
    std::string all(1 << 20, '\0');
    const ssize_t got = ::read(pipe_[0], all.data(), all.size());
    all.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return all;
  }
  int pipe_[2] = {-1, -1};
};

TEST_F(LoggerTest, WritesTimeLevelAndTextOnOneLine) {
  Logger logger({.descriptor = pipe_[1]});
  logger.write(tree::LogLevel::warning, "target=a\nstate=b");
  EXPECT_THAT(take(), MatchesRegex("20..-..-..T..:..:..\\....Z warning target=a.state=b\n"));
}

TEST_F(LoggerTest, SilentKeepsWarningsOnly) {
  Logger logger({.level = tree::LogLevel::debug, .silent = true, .descriptor = pipe_[1]});
  logger.write(tree::LogLevel::info, "info");
  EXPECT_EQ(take(), "");
  logger.write(tree::LogLevel::error, "error");
  EXPECT_THAT(take(), HasSubstr(" error error\n"));
}

TEST_F(LoggerTest, AReaderThatStoppedCostsLittleAndIsToldWhatWasLost) {
  Logger logger({.descriptor = pipe_[1]});
  const Time begin = read_clock().time;
  const std::string text(1000, 'x');
  for (int i = 0; i < 2000; ++i) logger.write(tree::LogLevel::info, text);
  EXPECT_LT(read_clock().time - begin, seconds{2});
  EXPECT_GT(logger.dropped(), 0U);
  take();
  logger.write(tree::LogLevel::info, "again");
  const std::string all = take();
  EXPECT_THAT(all, HasSubstr("log_lines_lost=" + std::to_string(logger.dropped())));
  EXPECT_THAT(all, HasSubstr(" info again\n"));
}

}  // namespace
}  // namespace banyan::io
