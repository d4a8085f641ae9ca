// Who is known below a node: children that are gone stay listed until they are forgotten, and come
// back from an earlier run.

#include <gtest/gtest.h>

#include "common/base/name.h"
#include "common/tree/picture.h"
#include "tests/unit/tree/link_pair.h"

namespace banyan::tree {
namespace {

using State = Liveness::State;
using testing::at;
using testing::in_turn;
using testing::instance_of;
using testing::Kind;
using testing::ParentSide;
using testing::Said;
using testing::ScriptedChild;

constexpr Duration minute = std::chrono::minutes{1};
constexpr Duration hour = std::chrono::hours{1};

class MembersTest : public ::testing::Test {
 protected:
  // Every deadline up to this moment.
  void run_until(ParentSide& parent, Duration end) {
    while (parent.downlink.next_deadline() <= at(end).time) {
      const Duration due = parent.downlink.next_deadline() - at({}).time;
      now_ = std::max(now_, due);
      keep(parent.time(at(now_)));
    }
    now_ = std::max(now_, end);
  }
  void keep(const Said& said) {
    for (const OwnEvent& event : said.of_children<OwnEvent>()) {
      events_.push_back(event.kind + " " + event.subject);
    }
    for (v1::Update& part : picture_of(said.changes, parent_.mirror)) {
      picture_.push_back(std::move(part));
    }
  }
  void join(ScriptedChild& child, Duration now) {
    now_ = now;
    keep(child.join(parent_, at(now)));
    v1::Frame frame;
    auto& node = *frame.mutable_update()->add_nodes();
    node.set_instance(child.instance);
    v1::Fact& fact = *node.add_facts();
    fact.set_kind(v1::FACT_KIND_TARGET);
    fact.set_id("t");
    fact.set_value(testing::target_bytes(v1::TARGET_STATE_RUNNING));
    keep(child.say(parent_, frame, at(now)));
  }
  void goodbye(ScriptedChild& child, Duration now) {
    now_ = now;
    v1::Frame frame;
    frame.mutable_goodbye()->set_reason("stopped");
    keep(child.say(parent_, frame, at(now)));
  }
  bool has_event(const std::string& event) const {
    return std::find(events_.begin(), events_.end(), event) != events_.end();
  }

  ParentSide parent_{DownlinkOptions{.max_children = 2}};
  ScriptedChild a_{"a", 'a', 1};
  ScriptedChild b_{"b", 'b', 2};
  ScriptedChild c_{"c", 'c', 3};
  Duration now_{0};
  std::vector<std::string> events_;
  std::vector<v1::Update> picture_;
};

TEST_F(MembersTest, ALostChildStaysWithItsFactsForADay) {
  join(a_, {});
  run_until(parent_, 23 * hour);
  ASSERT_EQ(parent_.state("a"), State::lost);
  EXPECT_EQ(parent_.mirror.find("a")->target_count(), 1u);
  run_until(parent_, 25 * hour);
  EXPECT_EQ(parent_.downlink.find("a"), nullptr);
  EXPECT_EQ(parent_.mirror.find("a"), nullptr);
  EXPECT_TRUE(has_event("forgotten a"));
}

TEST_F(MembersTest, AChildThatLeftIsForgottenAfterTenMinutes) {
  join(a_, {});
  goodbye(a_, minute);
  run_until(parent_, 10 * minute);
  ASSERT_EQ(parent_.state("a"), State::left);
  run_until(parent_, 12 * minute);
  EXPECT_EQ(parent_.mirror.find("a"), nullptr);
  EXPECT_TRUE(parent_.mirror.top().children().empty());
}

TEST_F(MembersTest, AChildThatComesBackIsNotForgotten) {
  join(a_, {});
  goodbye(a_, minute);
  a_.conn = 9;
  ++a_.attach;
  join(a_, 5 * minute);
  goodbye(a_, 6 * minute);
  run_until(parent_, 15 * minute);
  EXPECT_NE(parent_.downlink.find("a"), nullptr) << "ten minutes begin anew";
}

TEST_F(MembersTest, ALivingChildIsForgottenByNobody) {
  join(a_, {});
  const Said said = in_turn(at({}), [&](Turn& turn) {
    EXPECT_FALSE(parent_.downlink.forget("a", "asked to", turn));
    EXPECT_FALSE(parent_.downlink.forget("nobody", "asked to", turn));
  });
  EXPECT_TRUE(said.changes.empty());
}

TEST_F(MembersTest, BeforeALivingChildIsRefusedOneThatLeftGoesThenOneThatIsLost) {
  join(a_, {});
  run_until(parent_, seconds{10});
  join(b_, seconds{10});
  goodbye(b_, seconds{11});
  join(c_, seconds{12});
  EXPECT_EQ(parent_.state("c"), State::up);
  EXPECT_EQ(parent_.downlink.find("b"), nullptr) << "it had left";
  EXPECT_TRUE(has_event("forgotten b"));
  ScriptedChild d("d", 'd', 4);
  join(d, seconds{13});
  EXPECT_EQ(parent_.downlink.find("a"), nullptr) << "it was lost";
  ScriptedChild e("e", 'e', 5);
  const Said said = e.join(parent_, at(seconds{13}));
  ASSERT_EQ(said.frames(Kind::kRefused).size(), 1u);
  EXPECT_EQ(said.frames(Kind::kRefused)[0].refused().reason(), "full");
}

// ---- another run of the same node

class RestoredTest : public MembersTest {
 protected:
  void restart(Duration now) {
    now_ = now;
    events_.clear();
    for (const v1::Update& part : picture_) {
      ASSERT_EQ(restore_picture(part, next_.mirror), 0u);
    }
    keep(in_turn(at(now), [&](Turn& turn) { next_.downlink.restore(turn); }));
  }
  ParentSide next_;
};

TEST_F(RestoredTest, ThePictureIsTheSameAndNobodyIsAccusedBeforeTheTimeout) {
  join(a_, {});
  join(b_, {});
  const Digest below = parent_.mirror.digest("a");
  restart(seconds{2});
  EXPECT_EQ(next_.mirror.digest("a"), below);
  EXPECT_EQ(next_.state("a"), State::syncing);
  EXPECT_EQ(state_of(*next_.mirror.find("a")), NodeState::unreachable) << "shown as last known";
  run_until(next_, seconds{6});
  EXPECT_EQ(next_.state("a"), State::syncing);
  EXPECT_TRUE(events_.empty());
}

TEST_F(RestoredTest, WhoComesBackIsUpAtOnceWithoutAQuestion) {
  join(a_, {});
  restart(seconds{2});
  a_.conn = 21;
  ++a_.attach;
  const Said said = a_.join(next_, at(seconds{3}), next_.mirror.digest("a"));
  EXPECT_EQ(said.frames(Kind::kWelcome).size(), 1u);
  EXPECT_EQ(next_.state("a"), State::up);
  EXPECT_EQ(next_.downlink.counters().questions, 0u);
}

TEST_F(RestoredTest, WhoDoesNotComeBackIsLostAfterTheTimeout) {
  join(a_, {});
  restart(seconds{2});
  run_until(next_, seconds{8});
  EXPECT_EQ(next_.state("a"), State::lost);
  EXPECT_TRUE(has_event("lost a"));
  EXPECT_EQ(next_.mirror.find("a")->target_count(), 1u);
}

TEST_F(RestoredTest, WhoWasLostIsLostStillSinceThenAndIsForgottenInTime) {
  join(a_, {});
  run_until(parent_, hour);
  const auto since = parent_.mirror.find("a")->link()->since_ms();
  restart(2 * hour);
  EXPECT_EQ(next_.state("a"), State::lost);
  EXPECT_EQ(next_.mirror.find("a")->link()->since_ms(), since);
  run_until(next_, 23 * hour);
  EXPECT_NE(next_.downlink.find("a"), nullptr);
  EXPECT_TRUE(events_.empty()) << "it is no news";
  run_until(next_, 25 * hour);
  EXPECT_EQ(next_.downlink.find("a"), nullptr);
}

TEST_F(RestoredTest, WhoLeftHasLeftStill) {
  join(a_, {});
  goodbye(a_, minute);
  restart(2 * minute);
  EXPECT_EQ(next_.state("a"), State::left);
  run_until(next_, 12 * minute);
  EXPECT_EQ(next_.downlink.find("a"), nullptr);
}

TEST_F(RestoredTest, ALeafIsALeafStill) {
  join(a_, {});
  v1::NodeFact fact;
  fact.set_role("leaf");
  Changes changes;
  ASSERT_TRUE(
      parent_.mirror.set({"a", v1::FACT_KIND_NODE, ""}, a_.instance, fact_bytes(fact), changes));
  picture_ = picture_of(changes, parent_.mirror);
  join(b_, {});
  for (v1::Update& part : picture_of({{{"", v1::FACT_KIND_LINK, "a"}, {}, {}}}, parent_.mirror)) {
    picture_.push_back(part);
  }
  restart(seconds{2});
  EXPECT_EQ(next_.downlink.find("a")->role, "leaf");
}

TEST(Picture, FollowsSetsRemovalsAndPrunesOfATurnInAnyOrder) {
  Mirror mirror;
  Mirror copy;
  const auto value = testing::target_bytes(v1::TARGET_STATE_RUNNING);
  const auto set = [&](const std::string& path, const std::string& id, Changes& changes) {
    ASSERT_TRUE(mirror.set({path, v1::FACT_KIND_TARGET, id}, instance_of('1'), value, changes));
  };
  const auto follow = [&](const Changes& changes) {
    for (const v1::Update& part : picture_of(changes, mirror)) restore_picture(part, copy);
    EXPECT_EQ(copy.digest(""), mirror.digest(""));
    EXPECT_EQ(copy.fact_count(), mirror.fact_count());
  };
  Changes first;
  for (const char* path : {"a", "a/b", "a/b/c", "d"}) set(path, "t", first);
  follow(first);
  Changes second;
  set("a/b", "u", second);
  mirror.remove_subtree("a", second);
  set("a/b", "t", second);
  mirror.remove({"d", v1::FACT_KIND_TARGET, "t"}, second);
  follow(second);
  EXPECT_EQ(copy.find("a/b/c"), nullptr);
}

}  // namespace
}  // namespace banyan::tree
