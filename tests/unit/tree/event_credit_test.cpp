// Events wait for the facts they are about, and for room on their way.

#include <gmock/gmock.h>

#include "tests/unit/tree/link_pair.h"

namespace banyan::tree {
namespace {

using testing::at;
using testing::ChildSide;
using ::testing::ElementsAre;
using testing::in_turn;
using ::testing::IsEmpty;
using testing::Kind;
using testing::LinkPair;
using testing::ParentSide;
using testing::Said;
using testing::ScriptedChild;

std::vector<unsigned> credits(const Said& said) {
  std::vector<unsigned> bytes;
  for (const auto& frame : said.frames(Kind::kEventCredit)) {
    bytes.push_back(frame.event_credit().bytes());
  }
  return bytes;
}

Said join(ScriptedChild& child, ParentSide& parent, const Digest& digest, bool knows_credit) {
  v1::Frame hello = child.hello(digest);
  if (knows_credit) hello.mutable_hello()->add_features(feature_event_credit);
  Said said = parent.frame(child.conn, hello, at({}));
  child.session = said.frames(Kind::kWelcome).at(0).session();
  child.sequence = 0;
  return said;
}

Said hand_on(ParentSide& parent, const EventSource& source) {
  return in_turn(at({}), [&](Turn& turn) { parent.downlink.hand_on(source, turn); });
}

v1::EventBatch batch_of(std::size_t bytes) {
  v1::EventBatch batch;
  batch.add_events()->set_text(std::string(bytes, 'x'));
  return batch;
}

TEST(EventCredit, ComesWithTheFirstEqualDigestOfASessionAndNotBefore) {
  ParentSide parent;
  ScriptedChild child("web", 'a', 1);
  const Said welcomed = join(child, parent, {1, 2}, true);
  EXPECT_TRUE(welcomed.frames(Kind::kWelcome)[0].welcome().event_credit());
  EXPECT_THAT(credits(welcomed), IsEmpty());
  v1::Frame told;  // nothing is told after all
  told.mutable_update()->set_number(1);
  told.mutable_update()->set_transfer_begin(true);
  told.mutable_update()->set_transfer_end(true);
  EXPECT_THAT(credits(child.say(parent, told, at({}))), ElementsAre(event_window));
  EXPECT_THAT(credits(child.beat(parent, {}, at({}))), IsEmpty()) << "once";
}

TEST(EventCredit, ComesAtOnceWhereThePictureIsRightAlready) {
  ParentSide parent;
  ScriptedChild child("web", 'a', 1);
  EXPECT_THAT(credits(join(child, parent, {}, true)), ElementsAre(event_window));
}

TEST(EventCredit, IsNotForAChildThatDoesNotKnowIt) {
  ParentSide parent;
  ScriptedChild child("web", 'a', 1);
  const Said welcomed = join(child, parent, {}, false);
  EXPECT_FALSE(welcomed.frames(Kind::kWelcome)[0].welcome().event_credit());
  EXPECT_THAT(credits(welcomed), IsEmpty());
  EXPECT_THAT(credits(hand_on(parent, {"web", child.session, event_window})), IsEmpty());
}

TEST(EventCredit, ComesBackInPiecesForWhatWentOn) {
  ParentSide parent;
  ScriptedChild child("web", 'a', 1);
  join(child, parent, {}, true);
  const std::size_t quarter = event_window / 4;
  EXPECT_THAT(credits(hand_on(parent, {"web", child.session, quarter - 1})), IsEmpty());
  EXPECT_THAT(credits(hand_on(parent, {"web", child.session, 11})), ElementsAre(quarter + 10));
  EXPECT_THAT(credits(hand_on(parent, {"web", child.session + 2, quarter})), IsEmpty())
      << "an earlier session";
  EXPECT_THAT(credits(hand_on(parent, {"nobody", 1, quarter})), IsEmpty());
}

class CreditAtTheChild : public testing::ChildSide, public ::testing::Test {
 protected:
  void begin(bool with_credit) {
    start(at({}));
    v1::Frame frame;
    frame.set_session(++session);
    frame.set_sequence(sequence = 1);
    frame.mutable_welcome()->set_protocol(1);
    frame.mutable_welcome()->set_event_credit(with_credit);
    this->frame(frame, at({}));
  }
  void credit(unsigned bytes) {
    v1::Frame frame;
    frame.mutable_event_credit()->set_bytes(bytes);
    say(frame, at({}));
  }
  void send(const v1::EventBatch& batch) {
    turn(at({}), [&](Turn& turn) { uplink.send_events(batch, turn); });
  }
};

TEST_F(CreditAtTheChild, NothingGoesBeforeTheFirstCredit) {
  EXPECT_FALSE(uplink.may_send_events());
  begin(true);
  EXPECT_FALSE(uplink.may_send_events());
  credit(100);
  EXPECT_TRUE(uplink.may_send_events());
}

TEST_F(CreditAtTheChild, ABatchMayExceedItAndTheNextOneWaits) {
  begin(true);
  credit(100);
  const auto batch = batch_of(150);
  send(batch);
  EXPECT_FALSE(uplink.may_send_events());
  const auto missing = static_cast<unsigned>(batch.ByteSizeLong()) - 100;
  credit(missing);
  EXPECT_FALSE(uplink.may_send_events()) << "just as much as was sent";
  credit(1);
  EXPECT_TRUE(uplink.may_send_events());
}

TEST_F(CreditAtTheChild, AParentThatKnowsNoneIsNotWaitedFor) {
  begin(false);
  EXPECT_TRUE(uplink.may_send_events());
  send(batch_of(event_window));
  send(batch_of(event_window));
  EXPECT_TRUE(uplink.may_send_events());
}

TEST_F(CreditAtTheChild, EventsWaitWhileMuchIsStillToBeTold) {
  begin(true);
  credit(100);
  const Changes many = [&] {
    Changes changes;
    for (int i = 0; i < 20'000; ++i) {
      CHECK(mirror.set({"", v1::FACT_KIND_TARGET, "t" + std::to_string(i)},
                       testing::instance_of('a'), testing::target_bytes(v1::TARGET_STATE_RUNNING),
                       changes));
    }
    return changes;
  }();
  turn(at({}), [&](Turn& turn) { turn.changes = many; });
  EXPECT_FALSE(uplink.may_send_events()) << "the window is full";
}

TEST(EventCredit, AfterAnAbsenceTheFactsAreThereBeforeTheEvents) {
  LinkPair pair;
  pair.take(pair.child.start(at({})));
  pair.run({}, seconds{1});
  ASSERT_TRUE(pair.child.uplink.may_send_events());
  pair.sever(at(seconds{1}));
  EXPECT_FALSE(pair.child.uplink.may_send_events());
  pair.child.set_target("api", v1::TARGET_STATE_FAILED, at(seconds{1}));
  Duration now = seconds{1};
  for (; !pair.child.uplink.may_send_events() && now < seconds{10}; now += milliseconds{5}) {
    pair.run(now, now);
  }
  ASSERT_TRUE(pair.child.uplink.may_send_events());
  EXPECT_TRUE(pair.same_picture());
}

}  // namespace
}  // namespace banyan::tree
