// One instance in two places: it moved, or it was copied.

#include <gtest/gtest.h>

#include "common/base/name.h"
#include "common/base/random.h"
#include "tests/unit/tree/link_pair.h"

namespace banyan::tree {
namespace {

using State = Liveness::State;
using testing::at;
using testing::ChildSide;
using testing::in_turn;
using testing::instance_of;
using testing::Kind;
using testing::ParentSide;
using testing::Said;
using testing::ScriptedChild;

std::string link_to(char digit, std::uint64_t attach) {
  v1::LinkFact fact;
  fact.set_state(v1::LINK_STATE_UP);
  fact.set_instance(instance_of(digit));
  fact.set_attach(attach);
  return fact_bytes(fact);
}

class DoubledTest : public ::testing::Test {
 protected:
  void link(const std::string& parent, const std::string& name, char digit) {
    ASSERT_TRUE(mirror_.set({parent, v1::FACT_KIND_LINK, name}, instance_of('1'), link_to(digit, 1),
                            changes_));
  }
  Mirror mirror_;
  Changes changes_;
};

TEST_F(DoubledTest, AnInstanceBelowTwoLinksIsKnownUntilOneGoes) {
  link("a", "x", '5');
  EXPECT_TRUE(mirror_.doubled().empty());
  link("b/c", "x", '5');
  EXPECT_EQ(mirror_.doubled(), std::set<std::string>{instance_of('5')});
  EXPECT_EQ(mirror_.places_of(instance_of('5')).size(), 2u);
  mirror_.remove_subtree("b", changes_);
  EXPECT_TRUE(mirror_.doubled().empty());
  link("b/c", "x", '5');
  link("a", "x", '6');
  EXPECT_TRUE(mirror_.doubled().empty()) << "another instance has the name now";
}

TEST_F(DoubledTest, EqualsANaiveSearchAfterRandomChanges) {
  Random random(55);
  const std::vector<std::string> parents = {"", "a", "b", "a/c"};
  const std::vector<std::string> names = {"x", "y", "z"};
  for (int step = 0; step < 5'000; ++step) {
    const std::string& parent = parents[random.below(parents.size())];
    const std::string& name = names[random.below(names.size())];
    if (random.chance(0.05)) {
      mirror_.remove_subtree("a", changes_);
    } else if (random.chance(0.4)) {
      mirror_.remove({parent, v1::FACT_KIND_LINK, name}, changes_);
    } else {
      link(parent, name, static_cast<char>('0' + random.below(5)));
    }
    std::map<std::string, int> counts;
    for (const FactKey& key : mirror_.keys_below("")) {
      if (key.kind != v1::FACT_KIND_LINK) continue;
      ++counts[mirror_.find(join_path(key.path, key.id))->link()->instance()];
    }
    std::set<std::string> doubled;
    for (const auto& [instance, count] : counts) {
      if (count > 1) doubled.insert(instance);
    }
    ASSERT_EQ(mirror_.doubled(), doubled) << step;
  }
}

class ContestTest : public ::testing::Test {
 protected:
  ContestTest() {
    east_.role = west_.role = "relay";
    east_.join(parent_, at({}));
    west_.join(parent_, at({}));
  }
  // What a relay says of its child.
  Said tell(ScriptedChild& relay, const std::string& name, std::uint64_t attach, Now now) {
    v1::Frame frame;
    auto& node = *frame.mutable_update()->add_nodes();
    node.set_instance(relay.instance);
    v1::Fact& fact = *node.add_facts();
    fact.set_kind(v1::FACT_KIND_LINK);
    fact.set_id(name);
    fact.set_value(link_to('5', attach));
    Said said = relay.say(parent_, frame, now);
    in_turn(now, [&](Turn& turn) { parent_.downlink.settle(turn); });
    return said;
  }
  std::vector<v1::Frame> contests(Now now) {
    EXPECT_LE(parent_.downlink.next_deadline(), now.time);
    return parent_.time(now).frames(Kind::kContest);
  }

  ParentSide parent_;
  ScriptedChild east_{"east", 'a', 1};
  ScriptedChild west_{"west", 'b', 2};
};

TEST_F(ContestTest, TheHostOfTheLowerAttachIsToldAgainAndAgainOncePerTimeout) {
  tell(east_, "web", 100, at({}));
  tell(west_, "web", 200, at({}));
  const auto first = contests(at({}));
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0].session(), east_.session);
  EXPECT_EQ(first[0].contest().attach(), 200u);
  EXPECT_EQ(first[0].contest().path(), "web");
  EXPECT_EQ(first[0].contest().instance(), instance_of('5'));
  int more = 0;
  for (int ms = 100; ms <= 5'000; ms += 100) {
    tell(east_, "other", static_cast<std::uint64_t>(ms), at(milliseconds{ms}));
    tell(west_, "else", 1, at(milliseconds{ms}));
    more += static_cast<int>(parent_.time(at(milliseconds{ms})).frames(Kind::kContest).size());
  }
  EXPECT_LE(more, 4);
  EXPECT_GE(more, 1);
}

TEST_F(ContestTest, OfOwnChildrenTheOneWithoutASessionGoes) {
  ScriptedChild web("web", '5', 3);
  web.attach = 100;
  web.join(parent_, at({}));
  parent_.closed(3, at({}));
  tell(east_, "web", 200, at(milliseconds{10}));
  const Said said = parent_.time(at(milliseconds{10}));
  EXPECT_EQ(parent_.downlink.find("web"), nullptr);
  EXPECT_EQ(parent_.mirror.find("web"), nullptr);
  EXPECT_TRUE(parent_.mirror.doubled().empty());
  EXPECT_EQ(said.frames(Kind::kContest).size(), 0u);
}

TEST_F(ContestTest, AChildWithASessionIsAskedItselfAndNeverDropped) {
  ScriptedChild web("web", '5', 3);
  web.attach = 100;
  web.join(parent_, at({}));
  tell(east_, "web", 200, at(milliseconds{10}));
  const auto asked = contests(at(milliseconds{10}));
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].session(), web.session);
  EXPECT_EQ(asked[0].contest().path(), "");
  EXPECT_NE(parent_.downlink.find("web"), nullptr);
}

TEST_F(ContestTest, ATieIsLostByOneOfThem) {
  tell(east_, "web", 100, at({}));
  tell(west_, "web", 100, at({}));
  EXPECT_EQ(contests(at({})).size(), 1u);
}

TEST_F(ContestTest, AContestFromAboveGoesOnToTheHost) {
  v1::Contest contest;
  contest.set_instance(instance_of('5'));
  contest.set_attach(9);
  contest.set_path("east/rack/web");
  const Said said =
      in_turn(at({}), [&](Turn& turn) { parent_.downlink.on_contest(contest, turn); });
  ASSERT_EQ(said.frames(Kind::kContest).size(), 1u);
  EXPECT_EQ(said.frames(Kind::kContest)[0].contest().path(), "rack/web");
  contest.set_path("nobody/web");
  const Said none =
      in_turn(at({}), [&](Turn& turn) { parent_.downlink.on_contest(contest, turn); });
  EXPECT_TRUE(none.effects.empty());
}

TEST_F(ContestTest, AStaleContestDropsNobody) {
  ScriptedChild web("web", '5', 3);
  web.attach = 300;
  web.join(parent_, at({}));
  parent_.closed(3, at({}));
  v1::Contest contest;
  contest.set_instance(instance_of('5'));
  contest.set_attach(299);
  contest.set_path("web");
  in_turn(at({}), [&](Turn& turn) { parent_.downlink.on_contest(contest, turn); });
  EXPECT_NE(parent_.downlink.find("web"), nullptr);
  contest.set_attach(400);
  contest.set_instance(instance_of('6'));
  in_turn(at({}), [&](Turn& turn) { parent_.downlink.on_contest(contest, turn); });
  EXPECT_NE(parent_.downlink.find("web"), nullptr) << "another instance by now";
}

TEST(ContestedChild, RaisesItsAttachAboveTheNumberAndSaysHelloAgain) {
  ChildSide child;
  child.connect(at({}));
  v1::Frame frame;
  frame.mutable_contest()->set_instance(instance_of('a'));
  frame.mutable_contest()->set_attach(std::uint64_t{1} << 60U);
  child.say(frame, at({}));
  ASSERT_FALSE(child.uplink.connected());
  std::vector<v1::Frame> hellos;
  for (int ms = 0; ms < 2'000 && hellos.empty(); ms += 10) {
    hellos = child.time(at(milliseconds{ms})).frames(Kind::kHello);
  }
  ASSERT_EQ(hellos.size(), 1u);
  EXPECT_GT(hellos[0].hello().attach(), std::uint64_t{1} << 60U);
}

TEST(ContestedChild, IgnoresAContestAboutAnother) {
  ChildSide child;
  child.connect(at({}));
  v1::Frame frame;
  frame.mutable_contest()->set_instance(instance_of('b'));
  child.say(frame, at({}));
  EXPECT_TRUE(child.uplink.connected());
}

TEST(ContestedChild, IgnoresANumberThatLeavesNoneAboveIt) {
  ChildSide child;
  child.connect(at({}));
  v1::Frame frame;
  frame.mutable_contest()->set_instance(instance_of('a'));
  frame.mutable_contest()->set_attach(UINT64_MAX);
  child.say(frame, at({}));
  EXPECT_TRUE(child.uplink.connected());
}

// ---- copies

TEST(Copies, ABootThatWasTakenOverIsRefusedWhileTheOtherBeats) {
  ParentSide parent;
  ScriptedChild first("web", 'a', 1);
  ScriptedChild second("web", 'a', 2);
  second.boot.set_random(77);
  second.attach = 101;
  first.join(parent, at({}));
  ASSERT_EQ(second.join(parent, at({})).frames(Kind::kWelcome).size(), 1u) << "a restart";
  first.conn = 3;
  first.attach = 102;
  const Said refused = first.join(parent, at({}));
  ASSERT_EQ(refused.frames(Kind::kRefused).size(), 1u);
  EXPECT_EQ(refused.frames(Kind::kRefused)[0].refused().reason(), "duplicate_instance");
  EXPECT_EQ(parent.state("web"), State::up) << "the other goes on";
  parent.closed(2, at({}));
  first.conn = 4;
  EXPECT_EQ(first.join(parent, at({})).frames(Kind::kWelcome).size(), 1u) << "it is alone now";
}

}  // namespace
}  // namespace banyan::tree
