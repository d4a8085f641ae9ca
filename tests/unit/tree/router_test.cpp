// What passes through a node, and a whole relay between a scripted parent and scripted children.

#include "common/tree/router.h"

#include <gtest/gtest.h>

#include "relay/relay.h"
#include "tests/unit/tree/link_pair.h"

namespace banyan::tree {
namespace {

using testing::at;
using testing::Kind;
using testing::ParentSide;
using testing::Said;
using testing::ScriptedChild;

class RouterTest : public ::testing::Test {
 protected:
  RouterTest() {
    a_.join(parent_, at({}));
    b_.join(parent_, at({}));
  }
  // What the child says goes through the Downlink into the Router.
  Said pass(ScriptedChild& child, const v1::Frame& frame) {
    Said said = child.say(parent_, frame, at({}));
    testing::in_turn(at({}), [&](Turn& turn) {
      for (FromChild& notice : said.of_children<FromChild>()) router_.on_child(notice, turn);
    });
    return said;
  }
  static v1::Frame events(const std::string& instance) {
    v1::Frame frame;
    frame.mutable_event_batch()->set_instance(instance);
    frame.mutable_event_batch()->set_first(1);
    frame.mutable_event_batch()->add_events()->set_kind("exited");
    return frame;
  }
  Said ack(const std::string& instance) {
    v1::EventAck ack;
    ack.set_instance(instance);
    ack.set_upto(1);
    return testing::in_turn(at({}), [&](Turn& turn) { router_.on_event_ack(ack, turn); });
  }

  ParentSide parent_;
  ScriptedChild a_{"a", 'a', 1};
  ScriptedChild b_{"b", 'b', 2};
  Router router_{parent_.downlink};
};

TEST_F(RouterTest, ARewindGoesToEveryChildInASession) {
  parent_.closed(2, at({}));
  ScriptedChild c("c", 'c', 3);
  c.join(parent_, at({}));
  const Said said = testing::in_turn(at({}), [&](Turn& turn) { router_.rewind(turn); });
  EXPECT_EQ(said.frames(Kind::kRewind).size(), 2u);
}

TEST_F(RouterTest, EventsRiseWithThePathFromHereAndTheirAckFindsTheWayBack) {
  pass(b_, events(b_.instance));
  const auto rising = router_.take_rising();
  ASSERT_EQ(rising.size(), 1u);
  EXPECT_EQ(std::get<RisingEvents>(rising[0]).batch.path(), "b");
  EXPECT_TRUE(router_.take_rising().empty());
  const Said said = ack(b_.instance);
  ASSERT_EQ(said.effect_count<SendChild>(), 1u);
  EXPECT_EQ(std::get<SendChild>(said.effects[0]).conn, 2u);
}

TEST_F(RouterTest, AnAckFollowsTheLinkTheEventsCameByLast) {
  a_.role = "relay";
  pass(a_, events(testing::instance_of('9')));
  pass(b_, events(testing::instance_of('9')));
  EXPECT_EQ(std::get<SendChild>(ack(testing::instance_of('9')).effects[0]).conn, 2u);
}

TEST_F(RouterTest, AnAckThatFindsNoWayIsDropped) {
  EXPECT_TRUE(ack(testing::instance_of('9')).effects.empty());
  pass(b_, events(b_.instance));
  parent_.closed(2, at({}));
  EXPECT_TRUE(ack(b_.instance).effects.empty());
}

TEST_F(RouterTest, EventsWithoutAnInstanceBreakTheSession) {
  pass(a_, events("x"));
  EXPECT_FALSE(parent_.downlink.find("a")->in_session());
  EXPECT_TRUE(router_.take_rising().empty());
}

TEST_F(RouterTest, ALeafSpeaksOnlyOfItselfInEventsAndOutcomesToo) {
  v1::Frame frame = events(a_.instance);
  frame.mutable_event_batch()->set_path("other");
  pass(a_, frame);
  EXPECT_FALSE(parent_.downlink.find("a")->in_session());
  v1::Frame outcomes;
  outcomes.mutable_outcomes()->add_outcomes()->set_path("other");
  pass(b_, outcomes);
  EXPECT_FALSE(parent_.downlink.find("b")->in_session());
}

TEST_F(RouterTest, AnOutcomeWithoutAnEntryRisesAllTheSame) {
  v1::Frame frame;
  frame.mutable_outcomes()->set_id("of an earlier session");
  frame.mutable_outcomes()->add_outcomes()->set_target("t");
  pass(a_, frame);
  const auto rising = router_.take_rising();
  ASSERT_EQ(rising.size(), 1u);
  EXPECT_EQ(std::get<v1::Outcomes>(rising[0]).outcomes(0).path(), "a");
}

TEST_F(RouterTest, ABreakBelowRisesAsDoubtAndClosedStreams) {
  v1::Request request;
  request.mutable_command()->set_id("id");
  request.set_ttl_ms(5000);
  request.add_targets()->set_path("a");
  v1::StreamOpen open;
  open.set_stream(5);
  open.set_path("a");
  testing::in_turn(at({}), [&](Turn& turn) {
    router_.on_request(request, turn);
    router_.on_stream_open(open, turn);
  });
  router_.on_child_gone("a");
  const auto rising = router_.take_rising();
  ASSERT_EQ(rising.size(), 2u);
  EXPECT_EQ(std::get<v1::Outcomes>(rising[0]).outcomes(0).kind(), v1::OUTCOME_KIND_IN_DOUBT);
  EXPECT_EQ(std::get<v1::StreamClose>(rising[1]).stream(), 5u);
}

// A real relay; the test plays its parent and its child.
class RelayTest : public ::testing::Test {
 protected:
  RelayTest() : relay_(config(), testing::identity_of("relay", "dc1", 'd'), 5, {}) {
    RelayEffects effects;
    relay_.start(at({}), effects);
    conn_ = std::get<DialParent>(effects.links.list[0]).conn;
  }
  static NodeConfig config() {
    NodeConfig config;
    config.name = "dc1";
    config.parents = {{"127.0.0.1", 7400}};
    return config;
  }
  Said handle(const LinkEvent& event) {
    RelayEffects effects;
    relay_.handle(event, at({}), effects);
    return {std::move(effects.links.list), {}, {}, {}};
  }
  Said from_parent(v1::Frame frame) {
    frame.set_session(9);
    frame.set_sequence(++sequence_);
    return handle(ParentFrame{conn_, encode(frame)});
  }
  Said welcome() {
    v1::Frame frame;
    frame.mutable_welcome()->set_path("top");
    return from_parent(frame);
  }
  Said join(ScriptedChild& child) {
    Said said = handle(ChildFrame{child.conn, encode(child.hello())});
    for (const auto& frame : said.frames(Kind::kWelcome)) child.session = frame.session();
    return said;
  }
  Said say(ScriptedChild& child, const v1::Frame& frame) {
    return handle(ChildFrame{child.conn, encode(child.numbered(frame))});
  }

  Relay relay_;
  ConnId conn_ = 0;
  std::uint64_t sequence_ = 0;
  ScriptedChild web_{"web", 'a', 1};
};

TEST_F(RelayTest, ItsOwnNewSessionRewindsItsChildren) {
  join(web_);
  EXPECT_EQ(welcome().frames(Kind::kRewind).size(), 1u);
  v1::Frame rewind;
  rewind.mutable_rewind();
  EXPECT_EQ(from_parent(rewind).frames(Kind::kRewind).size(), 1u);
}

TEST_F(RelayTest, AChildThatComesIsToldUpwardAsALinkAndAnEvent) {
  welcome();
  const Said said = join(web_);
  EXPECT_EQ(said.frames(Kind::kUpdate).size(), 1u);
  const auto batches = said.frames(Kind::kEventBatch);
  ASSERT_EQ(batches.size(), 1u);
  EXPECT_EQ(batches[0].event_batch().events(0).kind(), "up");
  EXPECT_EQ(batches[0].event_batch().events(0).subject(), "web");
}

TEST_F(RelayTest, AnOutcomeDoesNotOvertakeTheFactsItSpeaksOf) {
  welcome();
  join(web_);  // this update is in flight: the next one would have to wait
  v1::Frame update;
  auto& node = *update.mutable_update()->add_nodes();
  node.set_instance(web_.instance);
  v1::Fact& fact = *node.add_facts();
  fact.set_kind(v1::FACT_KIND_TARGET);
  fact.set_id("t");
  fact.set_value(testing::target_bytes(v1::TARGET_STATE_RUNNING));
  EXPECT_TRUE(say(web_, update).frames(Kind::kUpdate).empty());
  v1::Frame outcomes;
  outcomes.mutable_outcomes()->add_outcomes()->set_target("t");
  const auto frames = say(web_, outcomes).frames();
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_TRUE(frames[0].has_update());
  EXPECT_TRUE(frames[1].has_outcomes());
}

TEST_F(RelayTest, StoppingSaysGoodbyeAndExits) {
  welcome();
  RelayEffects effects;
  relay_.stop(at({}), effects);
  const Said said{std::move(effects.links.list), {}, {}, {}};
  EXPECT_EQ(said.frames(Kind::kGoodbye).size(), 1u);
  EXPECT_EQ(said.effect_count<Exit>(), 1u);
  EXPECT_EQ(join(web_).frames(Kind::kRefused).size(), 1u);
}

}  // namespace
}  // namespace banyan::tree
