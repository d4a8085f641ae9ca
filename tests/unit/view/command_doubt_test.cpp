// Doubt about an outcome is resolved by asking where the instance is now.

#include <gtest/gtest.h>

#include "common/view/command_book.h"

namespace banyan::view {
namespace {

class DoubtTest : public testing::Test {
 protected:
  DoubtTest() {
    link("", "east", 'e', v1::LINK_STATE_UP);
    link("", "west", 'f', v1::LINK_STATE_UP);
    link("east", "web", 'a', v1::LINK_STATE_UP);
    v1::TargetFact target;
    target.set_state(v1::TARGET_STATE_RUNNING);
    set({"east/web", v1::FACT_KIND_TARGET, "api"}, target);
    CommandAsk ask;
    ask.verb = "restart";
    ask.select = "**";
    ask.ttl_ms = 5'000;
    const auto made = book_.create(ask, tree::Selector::parse("**")->select(mirror_), at({}));
    id_ = book_.request_for(**made).command().id();
    hex_ = (*made)->ask.id;
  }
  static Now at(Duration time) { return {Time{} + seconds{1000} + time, {}}; }
  template <class Fact>
  void set(const tree::FactKey& key, const Fact& fact) {
    tree::Changes changes;
    EXPECT_TRUE(mirror_.set(key, "i", tree::fact_bytes(fact), changes));
  }
  void link(const std::string& parent, const std::string& name, char digit, v1::LinkState state) {
    v1::LinkFact fact;
    fact.set_state(state);
    fact.set_instance(std::string(32, digit));
    fact.mutable_boot()->set_random(9);
    set({parent, v1::FACT_KIND_LINK, name}, fact);
  }
  void outcome(const std::string& path, v1::OutcomeKind kind, Now now) {
    v1::Outcomes outcomes;
    outcomes.set_id(id_);
    v1::Outcome& each = *outcomes.add_outcomes();
    each.set_path(path);
    each.set_target("api");
    each.set_kind(kind);
    book_.on_outcomes(outcomes, now);
  }

  tree::Mirror mirror_;
  CommandBook book_{1, 1};
  std::string id_;
  std::string hex_;
};

TEST_F(DoubtTest, NothingIsAskedWithoutDoubt) {
  EXPECT_TRUE(book_.doubts(mirror_, at(seconds{1})).empty());
}

TEST_F(DoubtTest, WhoIsUpIsAskedEveryTwoSecondsUntilItAnswers) {
  outcome("east/web", v1::OUTCOME_KIND_IN_DOUBT, at({}));
  EXPECT_LE(book_.next_deadline(), at({}).time);
  const auto asks = book_.doubts(mirror_, at({}));
  ASSERT_EQ(asks.size(), 1u);
  EXPECT_EQ(asks[0].id(), id_);
  EXPECT_EQ(asks[0].boot().random(), 9u);
  EXPECT_EQ(asks[0].targets(0).path(), "east/web");
  EXPECT_TRUE(book_.doubts(mirror_, at(seconds{1})).empty());
  EXPECT_EQ(book_.doubts(mirror_, at(seconds{2})).size(), 1u);
  outcome("east/web", v1::OUTCOME_KIND_DONE, at(seconds{3}));
  EXPECT_TRUE(book_.find(hex_)->finished());
  EXPECT_TRUE(book_.doubts(mirror_, at(seconds{4})).empty());
  EXPECT_EQ(book_.next_deadline(), never);
}

TEST_F(DoubtTest, NobodyIsAskedWhileItsLinkIsNotUp) {
  outcome("east/web", v1::OUTCOME_KIND_IN_DOUBT, at({}));
  link("", "east", 'e', v1::LINK_STATE_SYNCING);
  EXPECT_TRUE(book_.doubts(mirror_, at({})).empty());
  link("", "east", 'e', v1::LINK_STATE_UP);
  EXPECT_EQ(book_.doubts(mirror_, at(seconds{2})).size(), 1u);
}

TEST_F(DoubtTest, AnInstanceThatMovedIsAskedWhereItIsAndItsAnswerCounts) {
  outcome("east/web", v1::OUTCOME_KIND_IN_DOUBT, at({}));
  tree::Changes changes;
  mirror_.remove_subtree("east", changes);
  link("west", "web", 'a', v1::LINK_STATE_UP);
  const auto asks = book_.doubts(mirror_, at({}));
  ASSERT_EQ(asks.size(), 1u);
  EXPECT_EQ(asks[0].targets(0).path(), "west/web");
  outcome("west/web", v1::OUTCOME_KIND_FAILED, at(seconds{1}));
  EXPECT_EQ(book_.find(hex_)->targets[0].outcome, v1::OUTCOME_KIND_FAILED);
}

TEST_F(DoubtTest, AfterTheDeadlineItIsUnknownAndMayStillBeLearnt) {
  outcome("east/web", v1::OUTCOME_KIND_IN_DOUBT, at({}));
  book_.on_time(at(seconds{7}));
  EXPECT_EQ(book_.find(hex_)->targets[0].outcome, v1::OUTCOME_KIND_UNKNOWN);
  EXPECT_EQ(book_.doubts(mirror_, at(seconds{8})).size(), 1u);
  outcome("east/web", v1::OUTCOME_KIND_DONE, at(seconds{9}));
  EXPECT_EQ(book_.find(hex_)->targets[0].outcome, v1::OUTCOME_KIND_DONE);
  EXPECT_TRUE(book_.find(hex_)->targets[0].late);
  EXPECT_TRUE(book_.doubts(mirror_, at(seconds{20})).empty());
}

TEST_F(DoubtTest, AskingEndsTenMinutesAfterTheDeadline) {
  outcome("east/web", v1::OUTCOME_KIND_IN_DOUBT, at({}));
  EXPECT_TRUE(book_.doubts(mirror_, at(std::chrono::minutes{11})).empty());
  EXPECT_EQ(book_.doubts(mirror_, at(std::chrono::minutes{12})).size(), 0u);
}

TEST_F(DoubtTest, AnotherRunAsksAboutWhatWasRunning) {
  const auto record = book_.row_of(*book_.find(hex_)).record;
  CommandBook next(2, 2);
  next.resume({record}, at(seconds{1}));
  const auto asks = next.doubts(mirror_, at(seconds{1}));
  ASSERT_EQ(asks.size(), 1u);
  EXPECT_EQ(asks[0].id(), id_);
  EXPECT_EQ(asks[0].boot().random(), 9u) << "the boot it was meant for";
}

TEST_F(DoubtTest, AnotherRunAsksAboutNothingThatIsAnsweredOrTooOld) {
  const auto running = book_.row_of(*book_.find(hex_)).record;
  outcome("east/web", v1::OUTCOME_KIND_DONE, at({}));
  CommandBook next(2, 2);
  next.resume({book_.row_of(*book_.find(hex_)).record}, at(seconds{1}));
  EXPECT_EQ(next.next_deadline(), never);
  Now later = at(seconds{1});
  later.wall += std::chrono::minutes{11};
  CommandBook late(2, 2);
  late.resume({running}, later);
  EXPECT_TRUE(late.doubts(mirror_, later).empty());
}

}  // namespace
}  // namespace banyan::view
