#include "root/io/database.h"

#include <fstream>

#include <gmock/gmock.h>

#include "tests/integration/io_support.h"

namespace banyan {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class DatabaseTest : public testing::Test {
 protected:
  Database open() {
    auto opened = Database::open(path_, true);
    EXPECT_TRUE(opened) << opened.error().text();
    return std::move(*opened);
  }
  static view::EventRow row(std::uint64_t seq, std::uint64_t number) {
    view::EventRow made{{"abc", 5, UINT64_MAX}, number, number, {}};
    const auto time = static_cast<std::int64_t>(seq) * 10;
    made.event = {seq, time, "dc1/web-1", "abc", seq % 2 == 0 ? "exited" : "started", "text", "{}"};
    return made;
  }
  static std::vector<view::StoreWrite> rows(std::uint64_t first, std::uint64_t count) {
    view::StoreWrite write;
    for (std::uint64_t seq = first; seq < first + count; ++seq) {
      write.events.push_back(row(seq, seq));
    }
    return {write};
  }
  static std::vector<std::uint64_t> seqs(Database& store, view::HistoryAsk ask) {
    if (ask.below == 0) ask.below = INT64_MAX;
    const auto answer = store.read(ask);
    EXPECT_TRUE(answer) << answer.error().text();
    std::vector<std::uint64_t> found;
    for (const auto& event : answer->events) found.push_back(event.seq);
    return found;
  }
  std::vector<std::uint64_t> all(Database& store) { return seqs(store, {}); }

  io::TemporaryDirectory directory_;
  std::string path_ = directory_.path() + "/store.sqlite";
};

TEST_F(DatabaseTest, KnowsTheStreamsAndWhereTheNumbersStand) {
  {
    auto store = open();
    ASSERT_TRUE(store.history());
    ASSERT_TRUE(store.write(rows(1, 3), 100, false));
  }
  auto store = open();
  const auto history = store.history();
  ASSERT_TRUE(history);
  ASSERT_EQ(history->streams.size(), 1u);
  EXPECT_EQ(history->streams[0].id, (view::StreamId{"abc", 5, UINT64_MAX}));
  EXPECT_EQ(history->streams[0].stored, 3u);
  EXPECT_EQ(history->last_seq, 3 + Database::seq_leap) << "more may have been shown";
}

TEST_F(DatabaseTest, NumbersGoOnWithoutALeapAfterAProperEnd) {
  {
    auto store = open();
    ASSERT_TRUE(store.history());
    ASSERT_TRUE(store.write(rows(1, 3), 100, false));
    ASSERT_TRUE(store.mark_closed(5));
  }
  auto store = open();
  EXPECT_EQ(store.history()->last_seq, 5u);
}

TEST_F(DatabaseTest, AnEventOfAStreamIsThereOnce) {
  auto store = open();
  ASSERT_TRUE(store.write(rows(1, 2), 100, false));
  view::StoreWrite again;
  again.events.push_back(row(3, 2));
  ASSERT_TRUE(store.write({again}, 100, false));
  EXPECT_THAT(all(store), ElementsAre(2, 1));
}

TEST_F(DatabaseTest, ReadsThePartThatIsAskedForNewestFirst) {
  auto store = open();
  ASSERT_TRUE(store.write(rows(1, 10), 100, false));
  EXPECT_THAT(seqs(store, {1, 9, 6, 0, {}, 10}), ElementsAre(8, 7));
  EXPECT_THAT(seqs(store, {1, 99, 0, 85, {}, 10}), ElementsAre(10, 9));
  EXPECT_THAT(seqs(store, {1, 99, 0, 0, {"exited"}, 2}), ElementsAre(10, 8));
  EXPECT_THAT(seqs(store, {1, 99, 0, 0, {"exited", "up"}, 2}), ElementsAre(10, 8));
  EXPECT_THAT(seqs(store, {1, 99, 0, 5'000, {}, 10}), IsEmpty());
  EXPECT_FALSE(store.read({1, 99, 0, 0, {}, 10})->end);
  EXPECT_TRUE(store.read({1, 99, 0, 0, {}, 11})->end);
}

TEST_F(DatabaseTest, TheNewestOfACommandReplacesIt) {
  auto store = open();
  view::StoreWrite write;
  write.commands.push_back({"id", 1, 10, 0, "stop", "**", "me", "first", true});
  ASSERT_TRUE(store.write({write}, 100, true));
  write.commands[0].record = std::string("second\0half", 11);
  ASSERT_TRUE(store.write({write}, 100, false));
  EXPECT_THAT(store.history()->commands, ElementsAre(std::string("second\0half", 11)));
}

TEST_F(DatabaseTest, PrunesWhatIsTooOldOrTooMuchInPieces) {
  auto store = open();
  ASSERT_TRUE(store.write(rows(1, 2), 100, false));
  ASSERT_TRUE(store.write(rows(3, 8), 200, false));
  EXPECT_EQ(*store.prune({50, 0}, 220, 100), 2u) << "committed before 170";
  EXPECT_EQ(*store.prune({0, 5}, 80, 2), 2u);
  EXPECT_EQ(*store.prune({0, 5}, 80, 100), 1u);
  EXPECT_THAT(all(store), ElementsAre(10, 9, 8, 7, 6));
  EXPECT_EQ(*store.prune({0, 5}, 80, 100), 0u);
  EXPECT_EQ(store.history()->streams[0].stored, 10u) << "what went stays stored";
}

TEST_F(DatabaseTest, AFileThatIsNoDatabaseIsDamaged) {
  std::ofstream(path_) << std::string(5'000, 'x');
  const auto opened = Database::open(path_, true);
  ASSERT_FALSE(opened);
  EXPECT_TRUE(Database::is_damage(opened.error()));
}

TEST_F(DatabaseTest, APathThatCannotBeOpenedIsNoDamage) {
  const auto opened = Database::open(directory_.path() + "/no/such/store", true);
  ASSERT_FALSE(opened);
  EXPECT_FALSE(Database::is_damage(opened.error()));
}

}  // namespace
}  // namespace banyan
