// The parent's end of a link: who gets a session, and what ends one.

#include <gmock/gmock.h>

#include "tests/unit/tree/link_pair.h"

namespace banyan::tree {
namespace {

using ::testing::HasSubstr;
using State = Liveness::State;
using testing::at;
using testing::Kind;
using testing::ParentSide;
using testing::Said;
using testing::ScriptedChild;

v1::LinkFact link_fact(const ParentSide& parent, const std::string& name) {
  return *parent.mirror.find(name)->link();
}

TEST(Downlink, WelcomesAChildAndTellsItsPlace) {
  ParentSide parent;
  parent.downlink.set_place("dc1", {testing::instance_of('e')});
  ScriptedChild child("web", 'a', 1);
  const Said said = child.join(parent, at({}));
  const auto frames = said.frames(Kind::kWelcome);
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_NE(frames[0].session(), 0u);
  EXPECT_EQ(frames[0].sequence(), 1u);
  const v1::Welcome& welcome = frames[0].welcome();
  EXPECT_EQ(welcome.path(), "dc1");
  ASSERT_EQ(welcome.ancestors_size(), 2);
  EXPECT_EQ(welcome.ancestors(1), testing::instance_of('f'));
  EXPECT_EQ(welcome.reconnect_cap_ms(), 1000u);
  EXPECT_FALSE(welcome.transfer()) << "both hold nothing";
  EXPECT_EQ(said.of_children<ChildJoined>().size(), 1u);
}

TEST(Downlink, AnswersAStrangersFrameByWhoAreYouOncePerSecond) {
  ParentSide parent;
  ScriptedChild child("web", 'a', 1);
  child.session = 77;
  const auto asked = child.beat(parent, {}, at({})).frames(Kind::kWhoAreYou);
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].who_are_you().session(), 77u);
  EXPECT_TRUE(child.beat(parent, {}, at(milliseconds{999})).frames().empty());
  EXPECT_EQ(child.beat(parent, {}, at(seconds{1})).frames(Kind::kWhoAreYou).size(), 1u);
  child.conn = 2;
  EXPECT_EQ(child.beat(parent, {}, at(seconds{1})).frames(Kind::kWhoAreYou).size(), 1u)
      << "each connection has its own limit";
  EXPECT_EQ(parent.downlink.counters().who_are_you, 3u);
}

TEST(Downlink, AFrameGapBreaksTheSessionAndTheChildIsTold) {
  ParentSide parent;
  ScriptedChild child("web", 'a', 1);
  child.join(parent, at({}));
  child.beat(parent, {}, at({}));
  ++child.sequence;
  const Said said = child.beat(parent, {}, at({}));
  ASSERT_EQ(said.frames(Kind::kWhoAreYou).size(), 1u);
  EXPECT_EQ(said.frames(Kind::kWhoAreYou)[0].who_are_you().session(), child.session);
  EXPECT_EQ(said.of_children<ChildGone>().size(), 1u);
  EXPECT_EQ(parent.state("web"), State::suspect);
  EXPECT_EQ(parent.downlink.counters().frame_gaps, 1u);
}

TEST(Downlink, ARepeatedFrameBreaksTheSession) {
  ParentSide parent;
  ScriptedChild child("web", 'a', 1);
  child.join(parent, at({}));
  child.beat(parent, {}, at({}));
  --child.sequence;
  child.beat(parent, {}, at({}));
  EXPECT_FALSE(parent.downlink.find("web")->in_session());
}

TEST(Downlink, GarbageFromAStrangerIsOnlyCounted) {
  ParentSide parent;
  const Said said = parent.bytes(1, "\xff\xff", at({}));
  EXPECT_TRUE(said.effects.empty());
  EXPECT_EQ(parent.downlink.counters().protocol_errors, 1u);
}

TEST(Downlink, GarbageOrAForbiddenKindBreaksTheSession) {
  ParentSide parent;
  ScriptedChild child("web", 'a', 1);
  child.join(parent, at({}));
  parent.bytes(1, "\xff\xff", at({}));
  EXPECT_FALSE(parent.downlink.find("web")->in_session());
  child.attach = 101;
  child.conn = 2;
  child.join(parent, at({}));
  v1::Frame frame;
  frame.mutable_request();
  child.say(parent, frame, at({}));
  EXPECT_FALSE(parent.downlink.find("web")->in_session());
  EXPECT_EQ(parent.downlink.counters().protocol_errors, 2u);
}

TEST(Downlink, OfTwoChildrenOfOneNameTheFirstStays) {
  ParentSide parent;
  ScriptedChild first("web", 'a', 1);
  ScriptedChild second("web", 'b', 2);
  first.join(parent, at({}));
  const Said said = second.join(parent, at({}));
  ASSERT_EQ(said.frames(Kind::kRefused).size(), 1u);
  EXPECT_EQ(said.frames(Kind::kRefused)[0].refused().reason(), "duplicate_name");
  const auto shown = said.of_children<OwnEvent>();
  ASSERT_EQ(shown.size(), 1u);
  EXPECT_EQ(shown[0].kind, "refused");
  EXPECT_THAT(shown[0].text, HasSubstr(second.instance));
  EXPECT_EQ(parent.downlink.find("web")->instance, first.instance);
  EXPECT_TRUE(second.join(parent, at({})).of_children<OwnEvent>().empty()) << "shown once";
}

TEST(Downlink, TheSameInstanceTakesOverWithAHigherAttachOnly) {
  ParentSide parent;
  ScriptedChild child("web", 'a', 1);
  child.join(parent, at({}));
  const std::uint64_t first = child.session;
  ScriptedChild again("web", 'a', 2);
  EXPECT_TRUE(again.join(parent, at({})).effects.empty()) << "a late Hello is ignored";
  again.attach = 101;
  const Said said = again.join(parent, at({}));
  EXPECT_NE(again.session, 0u);
  EXPECT_NE(again.session, first);
  EXPECT_EQ(said.of_children<ChildGone>().size(), 1u);
  EXPECT_EQ(said.of_children<ChildJoined>().size(), 1u);
  const auto asked = child.beat(parent, {}, at({})).frames();
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_TRUE(asked[0].has_who_are_you()) << "the old connection has no session any more";
  EXPECT_TRUE(parent.downlink.find("web")->in_session());
}

TEST(Downlink, ClosingTheOldConnectionLeavesTheNewSessionAlone) {
  ParentSide parent;
  ScriptedChild child("web", 'a', 1);
  child.join(parent, at({}));
  ScriptedChild again("web", 'a', 2);
  again.attach = 101;
  again.join(parent, at({}));
  parent.closed(1, at({}));
  EXPECT_TRUE(parent.downlink.find("web")->in_session());
}

TEST(Downlink, AnotherInstanceGetsTheNameOfALostChildAndItsFactsGo) {
  ParentSide parent;
  ScriptedChild first("web", 'a', 1);
  first.join(parent, at({}));
  v1::Frame frame;
  auto& node = *frame.mutable_update()->add_nodes();
  node.set_instance(first.instance);
  v1::Fact& fact = *node.add_facts();
  fact.set_kind(v1::FACT_KIND_TARGET);
  fact.set_id("t");
  fact.set_value(testing::target_bytes(v1::TARGET_STATE_RUNNING));
  first.say(parent, frame, at({}));
  parent.closed(1, at({}));
  parent.time(at(seconds{1}));
  ASSERT_EQ(parent.state("web"), State::lost);
  EXPECT_EQ(parent.mirror.find("web")->target_count(), 1u) << "facts of a lost child stay";
  ScriptedChild second("web", 'b', 2);
  second.join(parent, at(seconds{2}));
  EXPECT_NE(second.session, 0u);
  EXPECT_EQ(parent.mirror.find("web")->target_count(), 0u);
  EXPECT_EQ(link_fact(parent, "web").instance(), second.instance);
}

TEST(Downlink, RefusesEveryHelloWhileStopping) {
  ParentSide parent;
  parent.downlink.set_stopping();
  ScriptedChild child("web", 'a', 1);
  const auto frames = child.join(parent, at({})).frames(Kind::kRefused);
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].refused().reason(), "stopping");
}

TEST(Downlink, GoodbyeIsLeftAndEndsTheSession) {
  ParentSide parent;
  ScriptedChild child("web", 'a', 1);
  child.join(parent, at({}));
  v1::Frame frame;
  frame.mutable_goodbye()->set_reason("stopped");
  const Said said = child.say(parent, frame, at({}));
  EXPECT_EQ(said.of_children<ChildGone>().size(), 1u);
  EXPECT_EQ(link_fact(parent, "web").state(), v1::LINK_STATE_LEFT);
  parent.closed(1, at({}));
  EXPECT_EQ(parent.state("web"), State::left);
}

TEST(Downlink, OverlongWordsOfAChildNeverMakeAnOverlongFactAbove) {
  ParentSide parent;
  for (int i = 0; i < 9; ++i) {
    ScriptedChild child("web", 'a', static_cast<ConnId>(i) + 1);
    child.attach = 100 + static_cast<std::uint64_t>(i);
    child.join(parent, at(seconds{i}));
    v1::Frame frame;
    std::string reason;
    while (reason.size() < 200'000) reason += "\xc3\xa4\n";
    frame.mutable_goodbye()->set_reason(reason);
    child.say(parent, frame, at(seconds{i}));
    ASSERT_EQ(parent.state("web"), State::left);
    ASSERT_EQ(link_fact(parent, "web").state(), v1::LINK_STATE_LEFT);
  }
  const auto held = parent.mirror.find_fact({"", v1::FACT_KIND_LINK, "web"});
  ASSERT_TRUE(held);
  EXPECT_LT(held->bytes.size(), 8'000u);
  v1::LinkFact fact;
  EXPECT_TRUE(fact.ParseFromString(held->bytes)) << "cut text must stay UTF-8";
  for (const std::string& line : fact.evidence()) EXPECT_EQ(line.find('\n'), std::string::npos);
}

TEST(Downlink, KeepsAtMostEightLinesOfEvidenceNewestLast) {
  ParentSide parent;
  ScriptedChild child("web", 'a', 1);
  for (int i = 0; i < 10; ++i) {
    child.conn = static_cast<ConnId>(i) + 1;
    child.attach = 100 + static_cast<std::uint64_t>(i);
    child.join(parent, at(seconds{i}));
  }
  EXPECT_EQ(link_fact(parent, "web").evidence_size(), 8);
  EXPECT_THAT(link_fact(parent, "web").evidence(7), HasSubstr("up: digest equal"));
  EXPECT_EQ(link_fact(parent, "web").attach(), 109u);
}

TEST(Downlink, ABeatOfAnEarlierSessionIsNotHeardInTheNext) {
  ParentSide parent;
  ScriptedChild child("web", 'a', 1);
  child.join(parent, at({}));
  for (int i = 0; i < 5; ++i) child.beat(parent, {}, at({}));
  ASSERT_EQ(parent.downlink.find("web")->last_beat, 5u);
  child.conn = 2;
  child.attach = 101;
  child.join(parent, at({}));
  EXPECT_EQ(parent.downlink.find("web")->last_beat, 0u);
}

}  // namespace
}  // namespace banyan::tree
