// What a child may say of facts, how the pictures are compared, and the verdicts over time.

#include <gtest/gtest.h>

#include "tests/unit/tree/link_pair.h"

namespace banyan::tree {
namespace {

using State = Liveness::State;
using testing::at;
using testing::Kind;
using testing::ParentSide;
using testing::Said;
using testing::ScriptedChild;

class DownlinkFactsTest : public ::testing::Test {
 protected:
  static void add(v1::Frame& frame, const std::string& path, const std::string& id,
                  v1::TargetState state) {
    auto& node = *frame.mutable_update()->add_nodes();
    node.set_path(path);
    node.set_instance(testing::instance_of('a'));
    v1::Fact& fact = *node.add_facts();
    fact.set_kind(v1::FACT_KIND_TARGET);
    fact.set_id(id);
    fact.set_value(testing::target_bytes(state));
  }
  static void add_removal(v1::Frame& frame, const std::string& path, const std::string& id) {
    auto& node = *frame.mutable_update()->add_nodes();
    node.set_path(path);
    v1::Fact& fact = *node.add_facts();
    fact.set_kind(v1::FACT_KIND_TARGET);
    fact.set_id(id);
    fact.set_removed(true);
  }
  static Digest hash(const std::string& id, v1::TargetState state) {
    return fact_hash(testing::instance_of('a'), v1::FACT_KIND_TARGET, id,
                     testing::target_bytes(state));
  }
  // Looks at the clock at every deadline.
  void run(Duration from, Duration end) {
    for (Duration now = from; now <= end; now += milliseconds{5}) {
      if (parent_.downlink.next_deadline() <= at(now).time) parent_.time(at(now));
    }
  }
  Said tell(v1::Frame frame, const Digest& digest, Now now) {
    frame.mutable_update()->set_number(++number_);
    frame.mutable_update()->mutable_digest()->set_high(digest.high);
    frame.mutable_update()->mutable_digest()->set_low(digest.low);
    return child_.say(parent_, frame, now);
  }
  // Joins with a picture of one target `t` that the parent does not hold, and transfers it.
  void join_with_target() {
    const Digest digest = hash("t", v1::TARGET_STATE_RUNNING);
    child_.join(parent_, at({}), digest);
    v1::Frame frame;
    add(frame, "", "t", v1::TARGET_STATE_RUNNING);
    frame.mutable_update()->set_transfer_begin(true);
    frame.mutable_update()->set_transfer_end(true);
    tell(frame, digest, at({}));
    ASSERT_EQ(parent_.state("web"), State::up);
  }

  ParentSide parent_;
  ScriptedChild child_{"web", 'a', 1};
  std::uint64_t number_ = 0;
};

TEST_F(DownlinkFactsTest, IsUpOnlyAfterTheFirstEqualDigest) {
  const Digest digest = hash("t", v1::TARGET_STATE_RUNNING);
  const Said said = child_.join(parent_, at({}), digest);
  EXPECT_TRUE(said.frames(Kind::kWelcome)[0].welcome().transfer());
  EXPECT_EQ(parent_.state("web"), State::syncing);
  EXPECT_EQ(parent_.mirror.find("web")->link_state(), v1::LINK_STATE_SYNCING);
  child_.beat(parent_, digest, at({}));
  EXPECT_EQ(parent_.state("web"), State::syncing);
  v1::Frame frame;
  add(frame, "", "t", v1::TARGET_STATE_RUNNING);
  frame.mutable_update()->set_transfer_begin(true);
  frame.mutable_update()->set_transfer_end(true);
  const Said told = tell(frame, digest, at({}));
  EXPECT_EQ(parent_.state("web"), State::up);
  EXPECT_EQ(told.frames(Kind::kUpdateAck).size(), 1u);
}

TEST_F(DownlinkFactsTest, AnEqualDigestAtHelloIsUpAtOnceWithoutATransfer) {
  join_with_target();
  child_.conn = 2;
  child_.attach = 101;
  const Said said = child_.join(parent_, at({}), hash("t", v1::TARGET_STATE_RUNNING));
  EXPECT_FALSE(said.frames(Kind::kWelcome)[0].welcome().transfer());
  EXPECT_EQ(parent_.state("web"), State::up);
}

TEST_F(DownlinkFactsTest, TheMirrorFollowsRemovalsAndSets) {
  join_with_target();
  v1::Frame frame;
  add_removal(frame, "", "t");
  add(frame, "", "u", v1::TARGET_STATE_FAILED);
  tell(frame, hash("u", v1::TARGET_STATE_FAILED), at({}));
  EXPECT_EQ(parent_.mirror.find("web")->has_target("t"), false);
  EXPECT_EQ(parent_.mirror.find("web")->has_target("u"), true);
  EXPECT_EQ(parent_.downlink.counters().transfers_asked, 0u);
}

TEST_F(DownlinkFactsTest, ALeafThatSpeaksOfOtherNodesIsRefused) {
  join_with_target();
  v1::Frame frame;
  add(frame, "other", "t", v1::TARGET_STATE_RUNNING);
  const Said said = tell(frame, {}, at({}));
  EXPECT_EQ(said.frames(Kind::kWhoAreYou).size(), 1u);
  EXPECT_FALSE(parent_.downlink.find("web")->in_session());
  EXPECT_EQ(parent_.mirror.find("web/other"), nullptr);
}

TEST_F(DownlinkFactsTest, ALeafThatClaimsChildrenIsRefused) {
  join_with_target();
  v1::Frame frame;
  auto& node = *frame.mutable_update()->add_nodes();
  v1::Fact& fact = *node.add_facts();
  fact.set_kind(v1::FACT_KIND_LINK);
  fact.set_id("ghost");
  tell(frame, {}, at({}));
  EXPECT_FALSE(parent_.downlink.find("web")->in_session());
  EXPECT_EQ(parent_.mirror.find("web/ghost"), nullptr);
}

TEST_F(DownlinkFactsTest, ARelayMaySpeakOfWhatIsBelowIt) {
  child_.role = "relay";
  child_.join(parent_, at({}));
  v1::Frame frame;
  add(frame, "x/y", "t", v1::TARGET_STATE_RUNNING);
  tell(frame, hash("t", v1::TARGET_STATE_RUNNING), at({}));
  EXPECT_NE(parent_.mirror.find("web/x/y"), nullptr);
}

TEST_F(DownlinkFactsTest, APathThatIsNoneBreaksTheSession) {
  for (const char* path : {"x/", "/", "..", "x//y", "X"}) {
    ParentSide parent;
    ScriptedChild relay("dc", 'b', 1);
    relay.role = "relay";
    relay.join(parent, at({}));
    v1::Frame frame;
    add_removal(frame, path, "t");
    relay.say(parent, frame, at({}));
    EXPECT_FALSE(parent.downlink.find("dc")->in_session()) << path;
  }
}

TEST_F(DownlinkFactsTest, ATransferRemovesWhatIsNotToldAgain) {
  join_with_target();
  v1::Frame more;
  add(more, "", "u", v1::TARGET_STATE_FAILED);
  Digest both = hash("t", v1::TARGET_STATE_RUNNING);
  both += hash("u", v1::TARGET_STATE_FAILED);
  tell(more, both, at({}));
  v1::Frame begin;
  add(begin, "", "u", v1::TARGET_STATE_FAILED);
  begin.mutable_update()->set_transfer_begin(true);
  tell(begin, hash("u", v1::TARGET_STATE_FAILED), at({}));
  EXPECT_EQ(parent_.mirror.find("web")->target_count(), 2u) << "until its end nothing goes";
  v1::Frame end;
  add(end, "", "v", v1::TARGET_STATE_EXITED);
  end.mutable_update()->set_transfer_end(true);
  Digest now = hash("u", v1::TARGET_STATE_FAILED);
  now += hash("v", v1::TARGET_STATE_EXITED);
  tell(end, now, at({}));
  EXPECT_EQ(parent_.mirror.digest("web"), now);
  EXPECT_EQ(parent_.downlink.counters().transfers_asked, 0u);
}

TEST_F(DownlinkFactsTest, ADifferentDigestStartsOneDescentWhatMayComeMeanwhile) {
  join_with_target();
  EXPECT_EQ(child_.beat(parent_, {1, 2}, at({})).frames(Kind::kQuestion).size(), 1u);
  EXPECT_EQ(child_.beat(parent_, {1, 2}, at({})).frames(Kind::kQuestion).size(), 0u);
  EXPECT_EQ(parent_.downlink.counters().repairs, 1u);
}

TEST_F(DownlinkFactsTest, ThreeDescentsThatDoNotCureAreADivergenceAndATransferIsAskedForOnce) {
  join_with_target();
  std::size_t asked = 0;
  std::size_t events = 0;
  for (int i = 0; i < 10; ++i) {
    Said said = child_.beat(parent_, {1, 2}, at({}));
    while (said.effect_count<SendChild>() > 0) {
      asked += said.frames(Kind::kTransferAsk).size();
      for (const OwnEvent& event : said.of_children<OwnEvent>()) {
        events += event.kind == "digest_divergence" ? 1 : 0;
      }
      const auto questions = said.frames(Kind::kQuestion);
      if (questions.empty()) break;
      v1::Frame absent;
      absent.mutable_answer()->set_number(questions[0].question().number());
      absent.mutable_answer()->set_absent(true);
      absent.mutable_answer()->mutable_told()->set_high(1);
      said = child_.say(parent_, absent, at({}));
    }
    v1::Frame frame;
    add(frame, "", "t", v1::TARGET_STATE_RUNNING);
    frame.mutable_update()->set_transfer_begin(true);
    frame.mutable_update()->set_transfer_end(true);
    if (asked > 0) tell(frame, {1, 2}, at({}));
  }
  EXPECT_EQ(parent_.downlink.counters().repairs, 3u);
  EXPECT_EQ(asked, 1u);
  EXPECT_EQ(events, 1u);
}

TEST_F(DownlinkFactsTest, TheParentsOwnLinkFactsAreNotPartOfTheComparison) {
  join_with_target();
  const Digest before = parent_.mirror.digest("web");
  parent_.time(at(seconds{2}));
  ASSERT_EQ(parent_.state("web"), State::suspect);
  EXPECT_EQ(parent_.mirror.digest("web"), before);
}

TEST_F(DownlinkFactsTest, SilenceIsSuspectThenLostAndOnlyHelloRevives) {
  join_with_target();
  EXPECT_EQ(parent_.downlink.next_deadline(), at(seconds{2}).time);
  parent_.time(at(seconds{2}));
  EXPECT_EQ(parent_.state("web"), State::suspect);
  EXPECT_TRUE(parent_.downlink.find("web")->in_session()) << "suspect costs nothing";
  parent_.time(at(seconds{3}));  // its connection is looked at
  const Said said = parent_.time(at(seconds{5}));
  EXPECT_EQ(parent_.state("web"), State::lost);
  EXPECT_EQ(said.of_children<ChildGone>().size(), 1u);
  const Said late = child_.beat(parent_, hash("t", v1::TARGET_STATE_RUNNING), at(seconds{6}));
  EXPECT_EQ(late.frames(Kind::kWhoAreYou).size(), 1u);
  EXPECT_EQ(parent_.state("web"), State::lost);
}

TEST_F(DownlinkFactsTest, ASuspectHeardAgainIsWatchedFromThenOn) {
  join_with_target();
  parent_.time(at(seconds{2}));
  ASSERT_EQ(parent_.state("web"), State::suspect);
  child_.beat(parent_, hash("t", v1::TARGET_STATE_RUNNING), at(milliseconds{2100}));
  ASSERT_EQ(parent_.state("web"), State::up);
  EXPECT_LE(parent_.downlink.next_deadline(), at(milliseconds{4100}).time)
      << "the deadline must be a lower bound of the new verdict's";
}

TEST_F(DownlinkFactsTest, OwnLatenessCountsAgainstNoChild) {
  join_with_target();
  parent_.time(at(seconds{60}));  // the judge stood still; the beats lie in its buffer
  EXPECT_EQ(parent_.state("web"), State::up);
  child_.beat(parent_, hash("t", v1::TARGET_STATE_RUNNING), at(seconds{60}));
  parent_.time(at(milliseconds{60'100}));
  EXPECT_EQ(parent_.state("web"), State::up);
}

TEST_F(DownlinkFactsTest, TheCreditOutlivesTheTurnInWhichNobodyIsJudged) {
  join_with_target();
  parent_.time(at(milliseconds{5500}));
  parent_.time(at(milliseconds{5520}));
  EXPECT_EQ(parent_.state("web"), State::up);
  run(milliseconds{5525}, milliseconds{7'300});
  EXPECT_EQ(parent_.state("web"), State::suspect) << "2 s of silence were heard out, not 5.5 s";
}

TEST_F(DownlinkFactsTest, AStandstillDoesNotTurnAReconnectIntoALoss) {
  join_with_target();
  parent_.closed(1, at(milliseconds{100}));
  parent_.time(at(seconds{30}));
  EXPECT_EQ(parent_.state("web"), State::suspect) << "the new Hello lies in the buffer";
}

TEST_F(DownlinkFactsTest, AfterAStandstillARealSilenceIsSeenInTime) {
  join_with_target();
  child_.beat(parent_, hash("t", v1::TARGET_STATE_RUNNING), at(seconds{60}));  // read first
  parent_.time(at(seconds{60}));
  run(seconds{60}, milliseconds{65'100});
  EXPECT_EQ(parent_.state("web"), State::lost);
}

TEST_F(DownlinkFactsTest, AJudgeThatIsAlwaysLateStillFindsTheDead) {
  join_with_target();
  Duration now{0};
  while (parent_.state("web") != State::lost && now < seconds{120}) {
    now = std::max(now, parent_.downlink.next_deadline() - at({}).time) + milliseconds{400};
    parent_.time(at(now));
  }
  EXPECT_LT(now, seconds{60});
}

}  // namespace
}  // namespace banyan::tree
