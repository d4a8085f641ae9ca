// The end of a store, and another beginning in the same process.

#include <csignal>
#include <set>

#include <sys/resource.h>

#include <gmock/gmock.h>

#include "root/io/store.h"
#include "tests/integration/io_support.h"

namespace banyan {
namespace {

using ::testing::ElementsAre;

// No file can be written any more; what is there can be read.
class FullDisk {
 public:
  FullDisk() : old_action_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &old_limit_);
    rlimit limit = old_limit_;
    limit.rlim_cur = 1;
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &old_limit_);
    std::signal(SIGXFSZ, old_action_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  rlimit old_limit_{};
  void (*old_action_)(int);
};

class StoreCloseTest : public testing::Test {
 protected:
  void write(std::uint64_t ticket) {
    view::EventRow row{{"abc", 5, 6}, ticket, ticket, {}};
    row.event = {ticket, 10, "web-1", "abc", "exited", "text", "{}"};
    store_.write({ticket, {row}, {}});
  }
  void ask(std::uint64_t id) {
    view::HistoryAsk ask;
    ask.id = id;
    ask.below = INT64_MAX;
    store_.ask(ask);
  }
  bool until(const std::function<bool()>& condition) { return io::run_until(loop_, condition); }
  void told(StoreEvent event) {
    if (const auto* done = std::get_if<StoreDone>(&event)) done_ = done->ticket;
    failed_ = failed_ || std::holds_alternative<StoreFailed>(event);
    if (auto* answer = std::get_if<view::HistoryAnswer>(&event)) {
      answers_.push_back(std::move(*answer));
      if (answers_.size() == close_at_) store_.close();
    }
  }

  io::TemporaryDirectory directory_;
  boost::asio::io_context loop_;
  Store store_{loop_, {directory_.path() + "/store.sqlite", {}}, [this](StoreEvent event) {
                 told(std::move(event));
               }};
  std::uint64_t done_ = 0;
  bool failed_ = false;
  std::vector<view::HistoryAnswer> answers_;
  std::size_t close_at_ = 0;  // so many answers
};

TEST_F(StoreCloseTest, WhatCouldNotBeWrittenAtTheEndIsWrittenAfterTheNextBeginning) {
  ASSERT_TRUE(store_.open());
  write(1);
  ASSERT_TRUE(until([this] { return done_ == 1; }));
  {
    const FullDisk full;
    write(2);
    ASSERT_TRUE(until([this] { return failed_; }));
    write(3);
    store_.close();
  }
  EXPECT_EQ(store_.done_ticket(), 1u);
  ASSERT_TRUE(store_.open());
  write(4);
  ASSERT_TRUE(until([this] { return done_ == 4; }));
  ask(1);
  ASSERT_TRUE(until([this] { return !answers_.empty(); }));
  std::vector<std::uint64_t> stored;
  for (const auto& event : answers_[0].events) stored.push_back(event.seq);
  EXPECT_THAT(stored, ElementsAre(4, 3, 2, 1));
}

TEST_F(StoreCloseTest, AQuestionWhoseAnswerWasNotToldIsAnsweredAfterTheNextBeginning) {
  constexpr std::size_t questions = 50;
  ASSERT_TRUE(store_.open());
  close_at_ = 10;
  for (std::uint64_t id = 1; id <= questions; ++id) ask(id);
  ASSERT_TRUE(until([this] { return !store_.is_open(); }));
  loop_.poll();
  EXPECT_EQ(answers_.size(), 10u) << "told behind the end";
  ASSERT_TRUE(store_.open());
  EXPECT_TRUE(until([this] { return answers_.size() == questions; }));
  std::set<std::uint64_t> ids;
  for (const auto& answer : answers_) {
    ids.insert(answer.id);
    EXPECT_EQ(answer.error, "");
  }
  EXPECT_EQ(ids.size(), questions);
}

}  // namespace
}  // namespace banyan
