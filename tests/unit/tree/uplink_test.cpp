// The child's end of a link: Hello, session, silence, back-off, goodbye.

#include "common/tree/uplink.h"

#include <gtest/gtest.h>

#include "tests/unit/tree/link_pair.h"

namespace banyan::tree {
namespace {

using State = Uplink::State;
using testing::at;
using testing::ChildSide;
using testing::Kind;
using testing::Said;

Digest digest_of(const v1::Digest& digest) { return {digest.high(), digest.low()}; }

v1::Frame who_are_you(std::uint64_t session) {
  v1::Frame frame;
  frame.mutable_who_are_you()->set_session(session);
  return frame;
}

// Runs it to its next deadline.
Said step(ChildSide& child) {
  const Time time = child.uplink.next_deadline();
  return child.time(at(time - at(Duration{0}).time));
}

Duration delay_of(const ChildSide& child, Now now) {
  return child.uplink.next_deadline() - now.time;
}

TEST(Uplink, WithoutAParentItStaysIdle) {
  ChildSide child(UplinkOptions{});
  child.start(at({}));
  EXPECT_EQ(child.uplink.state(), State::idle);
  EXPECT_EQ(child.uplink.next_deadline(), never);
}

TEST(Uplink, HelloCarriesTheToldPoint) {
  ChildSide child;
  const Said said = child.start(at({}));
  ASSERT_EQ(said.effect_count<DialParent>(), 1u);
  const auto hellos = said.frames(Kind::kHello);
  ASSERT_EQ(hellos.size(), 1u);
  EXPECT_EQ(hellos[0].session(), 0u);
  EXPECT_EQ(hellos[0].sequence(), 0u);
  EXPECT_EQ(digest_of(hellos[0].hello().digest()), child.mirror.digest(""));
  EXPECT_EQ(hellos[0].hello().beat_interval_ms(), 1000u);
}

TEST(Uplink, WhatChangesBetweenHelloAndWelcomeIsToldBehindIt) {
  ChildSide child;
  const Said hello = child.start(at({}));
  child.set_target("t", v1::TARGET_STATE_RUNNING, at(milliseconds{1}));
  const Said said = child.welcome(at(milliseconds{2}));
  const auto updates = said.frames(Kind::kUpdate);
  ASSERT_EQ(updates.size(), 1u);
  EXPECT_EQ(updates[0].sequence(), 1u);
  ASSERT_EQ(updates[0].update().nodes_size(), 1);
  EXPECT_EQ(updates[0].update().nodes(0).facts(0).id(), "t");
  EXPECT_FALSE(updates[0].update().transfer_begin());
  EXPECT_EQ(digest_of(updates[0].update().digest()), child.mirror.digest(""));
}

TEST(Uplink, AWelcomeThatAsksForItGetsATransfer) {
  ChildSide child;
  child.start(at({}));
  const auto updates = child.welcome(at({}), true).frames(Kind::kUpdate);
  ASSERT_EQ(updates.size(), 1u);
  EXPECT_TRUE(updates[0].update().transfer_begin());
  EXPECT_TRUE(updates[0].update().transfer_end());
}

TEST(Uplink, TransferAskTellsEverythingAgain) {
  ChildSide child;
  child.connect(at({}));
  child.set_target("t", v1::TARGET_STATE_RUNNING, at({}));
  v1::Frame ack;
  ack.mutable_update_ack()->set_number(1);
  child.say(ack, at({}));
  v1::Frame ask;
  ask.mutable_transfer_ask();
  const auto updates = child.say(ask, at(seconds{1})).frames(Kind::kUpdate);
  ASSERT_EQ(updates.size(), 1u);
  EXPECT_TRUE(updates[0].update().transfer_end());
  EXPECT_EQ(updates[0].update().nodes(0).facts_size(), 2);
}

TEST(Uplink, BeatsAtOnceAndThenEveryInterval) {
  ChildSide child;
  child.connect(at({}));
  for (int i = 0; i < 4; ++i) {
    ASSERT_EQ(child.uplink.next_deadline(), at(seconds{i}).time);
    const auto beats = child.time(at(seconds{i})).frames(Kind::kBeat);
    ASSERT_EQ(beats.size(), 1u);
    EXPECT_EQ(beats[0].beat().number(), static_cast<std::uint64_t>(i) + 1);
    EXPECT_EQ(digest_of(beats[0].beat().digest()), child.mirror.digest(""));
    child.ack_beat(at(seconds{i}));
  }
}

TEST(Uplink, ABeatTellsItsOwnLateness) {
  ChildSide child;
  child.connect(at({}));
  child.time(at({}));
  const auto beats = child.time(at(milliseconds{1300})).frames(Kind::kBeat);
  ASSERT_EQ(beats.size(), 1u);
  EXPECT_EQ(beats[0].beat().own().lateness_ms(), 300u);
}

TEST(Uplink, NumbersItsFramesFromOneInEverySession) {
  ChildSide child;
  child.connect(at({}));
  EXPECT_EQ(child.time(at({})).frames(Kind::kBeat)[0].sequence(), 1u);
  child.closed(at({}));
  step(child);
  const Said said = child.welcome(at(seconds{1}));
  EXPECT_EQ(child.time(at(seconds{1})).frames(Kind::kBeat)[0].sequence(), 1u);
}

TEST(Uplink, AFrameOfAnotherSessionEndsTheSession) {
  ChildSide child;
  child.connect(at({}));
  v1::Frame frame;
  frame.mutable_beat_ack();
  frame.set_session(child.session + 1);
  frame.set_sequence(2);
  const Said said = child.frame(frame, at({}));
  EXPECT_EQ(child.uplink.state(), State::waiting);
  EXPECT_EQ(said.effect_count<HangUpParent>(), 1u);
  EXPECT_EQ(said.of_parent<SessionClosed>().size(), 1u);
}

TEST(Uplink, AGapOrARepetitionEndsTheSession) {
  for (int slip : {-1, 1}) {
    ChildSide child;
    child.connect(at({}));
    child.ack_beat(at({}));
    child.sequence = static_cast<std::uint64_t>(static_cast<int>(child.sequence) + slip);
    child.ack_beat(at({}));
    EXPECT_EQ(child.uplink.state(), State::waiting) << slip;
  }
}

TEST(Uplink, AFrameThatMayNotComeEndsTheSession) {
  ChildSide child;
  child.connect(at({}));
  v1::Frame frame;
  frame.mutable_beat();
  child.say(frame, at({}));
  EXPECT_EQ(child.uplink.state(), State::waiting);
}

TEST(Uplink, WhoAreYouCountsOnlyForTheCurrentSession) {
  ChildSide child;
  child.connect(at({}));
  child.frame(who_are_you(0), at({}));
  child.frame(who_are_you(child.session - 1), at({}));
  EXPECT_TRUE(child.uplink.connected());
  child.frame(who_are_you(child.session), at({}));
  EXPECT_EQ(child.uplink.state(), State::waiting);
}

TEST(Uplink, WhatComesByAnOlderConnectionIsIgnored) {
  ChildSide child;
  child.connect(at({}));
  const ConnId old = child.conn;
  child.closed(at({}));
  step(child);
  ASSERT_NE(child.conn, old);
  child.welcome(at(seconds{1}));
  const Said said = child.turn(at(seconds{1}), [&](Turn& turn) {
    child.uplink.on_frame({old, encode(who_are_you(child.session))}, turn);
    child.uplink.on_closed({old, "late"}, turn);
  });
  EXPECT_TRUE(child.uplink.connected());
}

TEST(Uplink, EndsTheSessionWhenTheParentIsSilentForTheTimeout) {
  ChildSide child;
  child.connect(at({}));
  for (int i = 0; i < 5; ++i) child.time(at(seconds{i}));
  ASSERT_TRUE(child.uplink.connected());
  const Said said = child.time(at(seconds{5}));
  EXPECT_EQ(child.uplink.state(), State::waiting);
  ASSERT_EQ(said.of_parent<SessionClosed>().size(), 1u);
  EXPECT_NE(said.of_parent<SessionClosed>()[0].why.find("silent"), std::string::npos);
}

TEST(Uplink, WhoStoodStillBeyondTheTimeoutBeginsAnew) {
  ChildSide child;
  child.connect(at({}));
  child.time(at({}));
  const Said said = child.ack_beat(at(seconds{6}));  // lay in the buffer meanwhile
  EXPECT_EQ(child.uplink.state(), State::waiting);
  EXPECT_NE(said.of_parent<SessionClosed>()[0].why.find("stood still"), std::string::npos);
}

TEST(Uplink, ATurnForAnotherReasonDoesNotHideThatItStoodStill) {
  ChildSide child;
  child.connect(at({}));
  child.time(at({}));
  child.set_target("t", v1::TARGET_STATE_RUNNING,
                   at(seconds{6}));  // e.g. a child's frame came first
  child.ack_beat(at(seconds{6}));
  EXPECT_EQ(child.uplink.state(), State::waiting);
}

TEST(Uplink, ALongWaitForTheWelcomeIsNoStandingStill) {
  ChildSide child;
  child.start(at({}));
  child.welcome(at(milliseconds{4900}));
  child.ack_beat(at(milliseconds{5500}));
  EXPECT_TRUE(child.uplink.connected());
}

TEST(Uplink, BackOffIsFullJitterThatDoublesToOneSecondBeforeAWelcome) {
  Duration greatest[8] = {};
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    ChildSide child({{{"h", 1}}, seconds{1}, seconds{5}}, seed);
    Now now = at({});
    child.start(now);
    Duration bound = milliseconds{100};
    for (int attempt = 0; attempt < 8; ++attempt) {
      child.closed(now);
      const Duration delay = delay_of(child, now);
      ASSERT_GE(delay, Duration{0});
      ASSERT_LE(delay, bound) << "attempt " << attempt;
      greatest[attempt] = std::max(greatest[attempt], delay);
      bound = std::min<Duration>(bound * 2, seconds{1});
      now = at(child.uplink.next_deadline() - at({}).time);
      child.time(now);
    }
  }
  EXPECT_GT(greatest[0], milliseconds{80});
  EXPECT_GT(greatest[7], milliseconds{900});
}

TEST(Uplink, AKeyThatIsRefusedByTheLastParentIsTriedSlowly) {
  ChildSide child({{{"a", 1}, {"b", 2}}, seconds{1}, seconds{5}});
  child.start(at({}));
  const auto refused = [&child](Now now) {
    child.turn(now, [&](Turn& turn) { child.uplink.on_closed({child.conn, "no", true}, turn); });
    return delay_of(child, now);
  };
  EXPECT_LE(refused(at({})), milliseconds{100});
  const Now now = at(child.uplink.next_deadline() - at({}).time);
  child.time(now);
  const Duration delay = refused(now);
  EXPECT_GE(delay, seconds{10});
  EXPECT_LE(delay, milliseconds{12'500});
}

TEST(Uplink, AWelcomeSetsTheBackOffBackAndItsCap) {
  ChildSide child;
  Now now = at({});
  child.start(now);
  Duration greatest{0};
  for (int i = 0; i < 40; ++i) {
    child.closed(now);
    now = at(child.uplink.next_deadline() - at({}).time);
    child.time(now);
    if (i == 5) {
      child.welcome(now);
      child.closed(now);
      ASSERT_LE(delay_of(child, now), milliseconds{100});
      now = at(child.uplink.next_deadline() - at({}).time);
      child.time(now);
    }
    if (i > 15) greatest = std::max(greatest, delay_of(child, now));
  }
  Duration longest{0};
  for (int i = 0; i < 60; ++i) {
    child.closed(now);
    longest = std::max(longest, delay_of(child, now));
    now = at(child.uplink.next_deadline() - at({}).time);
    child.time(now);
  }
  EXPECT_GT(longest, seconds{1});
  EXPECT_LE(longest, seconds{8});
}

TEST(Uplink, WithoutAnAnswerToHelloItTriesTheNextParent) {
  ChildSide child({{{"a", 1}, {"b", 2}}, seconds{1}, seconds{5}});
  child.start(at({}));
  child.time(at(seconds{5}));
  EXPECT_EQ(child.uplink.state(), State::waiting);
  const Said said = step(child);
  ASSERT_EQ(said.effect_count<DialParent>(), 1u);
  EXPECT_EQ(std::get<DialParent>(said.effects[0]).host, "b");
}

v1::Frame refused(unsigned retry_after_ms) {
  v1::Frame frame;
  frame.mutable_refused()->set_reason("full");
  frame.mutable_refused()->set_retry_after_ms(retry_after_ms);
  return frame;
}

TEST(Uplink, ARefusalIsObeyedForItsRetryAfterAndAQuarter) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    ChildSide child({{{"a", 1}}, seconds{1}, seconds{5}}, seed);
    child.start(at({}));
    const Said said = child.frame(refused(10'000), at({}));
    EXPECT_EQ(said.effect_count<HangUpParent>(), 1u);
    EXPECT_GE(delay_of(child, at({})), seconds{10});
    EXPECT_LE(delay_of(child, at({})), milliseconds{12'500});
  }
}

TEST(Uplink, AnAbsurdRetryAfterIsCutToAMinute) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    ChildSide child({{{"a", 1}}, seconds{1}, seconds{5}}, seed);
    child.start(at({}));
    child.frame(refused(~0u), at({}));
    EXPECT_LE(delay_of(child, at({})), seconds{75});
  }
}

TEST(Uplink, ARefusedChildTriesTheNextParent) {
  ChildSide child({{{"a", 1}, {"b", 2}}, seconds{1}, seconds{5}});
  child.start(at({}));
  child.frame(refused(1000), at({}));
  EXPECT_EQ(std::get<DialParent>(step(child).effects[0]).host, "b");
}

TEST(Uplink, ARefusalIsLoggedOnceUntilItChanges) {
  ChildSide child;
  child.start(at({}));
  EXPECT_EQ(child.frame(refused(100), at({})).effect_count<WriteLog>(), 1u);
  step(child);
  EXPECT_EQ(child.frame(refused(100), at({})).effect_count<WriteLog>(), 0u);
}

TEST(Uplink, TheAttachNumberRisesWithEveryHelloEvenWhenTheClockGoesBack) {
  ChildSide child;
  std::uint64_t last = child.start(at(seconds{100})).frames(Kind::kHello)[0].hello().attach();
  EXPECT_EQ(last, static_cast<std::uint64_t>(wall_ms(at(seconds{100}).wall)));
  for (int i = 0; i < 5; ++i) {
    child.closed(at(seconds{100 + i}));
    Now back = at(seconds{101 + i});
    back.wall = wall_from_ms(5);
    const auto hellos = child.time(back).frames(Kind::kHello);
    ASSERT_EQ(hellos.size(), 1u);
    EXPECT_EQ(hellos[0].hello().attach(), last + 1);
    last = hellos[0].hello().attach();
  }
}

TEST(Uplink, SaysGoodbyeAfterWhatIsStillToBeTold) {
  ChildSide child;
  child.connect(at({}));
  const Said said = child.turn(at({}), [&](Turn& turn) {
    ASSERT_TRUE(child.mirror.set({"", v1::FACT_KIND_TARGET, "t"}, testing::instance_of('a'),
                                 testing::target_bytes(v1::TARGET_STATE_STOPPED), turn.changes));
    child.uplink.leave("stopped", turn);
  });
  const auto frames = said.frames();
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_TRUE(frames[0].has_update());
  EXPECT_EQ(frames[1].goodbye().reason(), "stopped");
  EXPECT_TRUE(std::holds_alternative<HangUpParent>(said.effects.back()));
  EXPECT_EQ(child.uplink.state(), State::left);
  EXPECT_EQ(child.uplink.next_deadline(), never);
  EXPECT_EQ(child.time(at(seconds{60})).effects.size(), 0u);
}

TEST(Uplink, SendsNothingOutsideASession) {
  ChildSide child;
  const Said said =
      child.turn(at({}), [&](Turn& turn) { EXPECT_FALSE(child.uplink.send({}, turn)); });
  EXPECT_TRUE(said.effects.empty());
}

}  // namespace
}  // namespace banyan::tree
