// Streams through a node: their numbers, their ends, and what is not theirs.

#include "common/tree/stream_table.h"

#include <gmock/gmock.h>

#include "tests/unit/tree/link_pair.h"

namespace banyan::tree {
namespace {

using testing::at;
using testing::Kind;
using testing::ParentSide;
using testing::Said;
using testing::ScriptedChild;
using ::testing::StartsWith;

class StreamTableTest : public ::testing::Test {
 protected:
  StreamTableTest() {
    a_.role = "relay";
    a_.join(parent_, at({}));
    b_.join(parent_, at({}));
  }
  Said open(std::uint64_t stream, const std::string& path) {
    v1::StreamOpen open;
    open.set_stream(stream);
    open.set_path(path);
    open.set_target("t");
    open.set_offset(42);
    open.set_credit(1000);
    return testing::in_turn(at({}), [&](Turn& turn) { table_.on_open(open, turn, rising_); });
  }
  Said data(const std::string& child, std::uint64_t stream) {
    v1::StreamData data;
    data.set_stream(stream);
    data.add_records()->set_data("line\n");
    return testing::in_turn(at({}),
                            [&](Turn& turn) { table_.on_data(child, data, turn, rising_); });
  }
  v1::StreamClose close_risen() const {
    return rising_.empty() ? v1::StreamClose{} : std::get<v1::StreamClose>(rising_.back());
  }

  ParentSide parent_;
  ScriptedChild a_{"a", 'a', 1};
  ScriptedChild b_{"b", 'b', 2};
  StreamTable table_{parent_.downlink};
  std::vector<RisingStream> rising_;
};

TEST_F(StreamTableTest, OpensBelowUnderANumberOfItsOwn) {
  const auto first = open(70, "a/x").frames(Kind::kStreamOpen);
  const auto second = open(71, "b").frames(Kind::kStreamOpen);
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0].stream_open().path(), "x");
  EXPECT_EQ(first[0].stream_open().offset(), 42);
  EXPECT_EQ(first[0].stream_open().credit(), 1000u);
  ASSERT_EQ(second.size(), 1u);
  EXPECT_NE(first[0].stream_open().stream(), second[0].stream_open().stream());
}

TEST_F(StreamTableTest, BytesRiseUnderTheReadersNumber) {
  const auto below = open(70, "a/x").frames()[0].stream_open().stream();
  data("a", below);
  ASSERT_EQ(rising_.size(), 1u);
  EXPECT_EQ(std::get<v1::StreamData>(rising_[0]).stream(), 70u);
  EXPECT_EQ(std::get<v1::StreamData>(rising_[0]).records(0).data(), "line\n");
}

TEST_F(StreamTableTest, CreditGoesDownUnderTheNumberBelow) {
  const auto below = open(70, "a/x").frames()[0].stream_open().stream();
  v1::StreamCredit credit;
  credit.set_stream(70);
  credit.set_bytes(9);
  const auto frames =
      testing::in_turn(at({}), [&](Turn& turn) { table_.on_credit(credit, turn); }).frames();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].stream_credit().stream(), below);
  EXPECT_EQ(frames[0].stream_credit().bytes(), 9u);
  credit.set_stream(99);
  EXPECT_TRUE(testing::in_turn(at({}), [&](Turn& turn) { table_.on_credit(credit, turn); })
                  .frames()
                  .empty());
}

TEST_F(StreamTableTest, BytesOfAnUnknownStreamAreAnsweredByAClose) {
  const auto frames = data("a", 12345).frames(Kind::kStreamClose);
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].stream_close().stream(), 12345u);
  EXPECT_TRUE(rising_.empty());
}

TEST_F(StreamTableTest, AChildCannotWriteIntoOrCloseAnothersStream) {
  const auto below = open(70, "a/x").frames()[0].stream_open().stream();
  data("b", below);
  EXPECT_TRUE(rising_.empty());
  v1::StreamClose close;
  close.set_stream(below);
  table_.on_child_close("b", close, rising_);
  EXPECT_TRUE(rising_.empty());
  EXPECT_EQ(table_.size(), 1u);
}

TEST_F(StreamTableTest, TheEndBelowClosesAboveWithItsReason) {
  const auto below = open(70, "a/x").frames()[0].stream_open().stream();
  v1::StreamClose close;
  close.set_stream(below);
  close.set_reason("not_found: no such target");
  table_.on_child_close("a", close, rising_);
  EXPECT_EQ(close_risen().stream(), 70u);
  EXPECT_EQ(close_risen().reason(), "not_found: no such target");
  EXPECT_EQ(table_.size(), 0u);
}

TEST_F(StreamTableTest, ABreakBelowClosesAboveAndLeavesTheOthers) {
  open(70, "a/x");
  open(71, "b");
  table_.on_child_gone("a", rising_);
  ASSERT_EQ(rising_.size(), 1u);
  EXPECT_EQ(close_risen().stream(), 70u);
  EXPECT_THAT(close_risen().reason(), StartsWith("broken"));
  EXPECT_EQ(table_.size(), 1u);
}

TEST_F(StreamTableTest, ABreakAboveClosesAllBelow) {
  open(70, "a/x");
  open(71, "b");
  const Said said = testing::in_turn(at({}), [&](Turn& turn) { table_.on_parent_gone(turn); });
  EXPECT_EQ(said.frames(Kind::kStreamClose).size(), 2u);
  EXPECT_EQ(table_.size(), 0u);
}

TEST_F(StreamTableTest, TheReadersCloseGoesDownOnce) {
  open(70, "a/x");
  v1::StreamClose close;
  close.set_stream(70);
  auto act = [&](Turn& turn) { table_.on_close(close, turn); };
  EXPECT_EQ(testing::in_turn(at({}), act).frames(Kind::kStreamClose).size(), 1u);
  EXPECT_TRUE(testing::in_turn(at({}), act).frames().empty());
  EXPECT_EQ(table_.size(), 0u);
}

TEST_F(StreamTableTest, WhatCannotBeOpenedIsClosedAtOnceWithTheReason) {
  open(1, "");
  EXPECT_THAT(close_risen().reason(), StartsWith("not_found"));
  open(2, "nobody");
  EXPECT_THAT(close_risen().reason(), StartsWith("unreachable: nobody"));
  parent_.closed(2, at({}));
  open(3, "b");
  EXPECT_THAT(close_risen().reason(), StartsWith("unreachable: b"));
  EXPECT_EQ(close_risen().stream(), 3u);
  EXPECT_EQ(table_.size(), 0u);
}

TEST_F(StreamTableTest, BeyondItsLimitAnOpeningIsRefused) {
  for (std::size_t i = 0; i < StreamTable::max_streams; ++i) {
    ASSERT_EQ(open(i + 1, "a/x").frames(Kind::kStreamOpen).size(), 1u);
  }
  EXPECT_TRUE(open(99'999, "a/x").frames().empty());
  EXPECT_THAT(close_risen().reason(), StartsWith("refused"));
}

}  // namespace
}  // namespace banyan::tree
