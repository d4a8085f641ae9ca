// Every arrow of the verdict's diagram, and what must not be an arrow.

#include "common/tree/liveness.h"

#include <gtest/gtest.h>

namespace banyan::tree {
namespace {

using State = Liveness::State;

constexpr Time start = Time{} + seconds{100};
constexpr LivenessOptions options{seconds{1}, seconds{5}, seconds{1}};

class LivenessTest : public ::testing::Test {
 protected:
  void join() { liveness_.on_session(options, start); }
  void join_verified() {
    join();
    liveness_.on_verified(start);
  }
  State state() const { return liveness_.state(); }

  Liveness liveness_{options};
};

TEST_F(LivenessTest, BeginsLostWithoutADeadline) {
  EXPECT_EQ(state(), State::lost);
  EXPECT_EQ(liveness_.next_deadline(), never);
  EXPECT_FALSE(liveness_.on_time(start));
}

TEST_F(LivenessTest, ASessionIsSyncingUntilTheFirstEqualDigest) {
  EXPECT_TRUE(liveness_.on_session(options, start));
  EXPECT_EQ(state(), State::syncing);
  EXPECT_FALSE(liveness_.on_heard(start + milliseconds{500}));
  EXPECT_EQ(state(), State::syncing);
  EXPECT_TRUE(liveness_.on_verified(start + seconds{1}));
  EXPECT_EQ(state(), State::up);
  EXPECT_FALSE(liveness_.on_verified(start + seconds{1}));
}

TEST_F(LivenessTest, TurnsSuspectAfterTwoSilentIntervals) {
  join_verified();
  EXPECT_EQ(liveness_.next_deadline(), start + seconds{2});
  EXPECT_FALSE(liveness_.on_time(start + seconds{2} - Duration{1}));
  EXPECT_TRUE(liveness_.on_time(start + seconds{2}));
  EXPECT_EQ(state(), State::suspect);
  EXPECT_NE(liveness_.why().find("2 intervals"), std::string::npos);
}

TEST_F(LivenessTest, AnySignOfLifeEndsTheSuspicion) {
  join_verified();
  liveness_.on_time(start + seconds{3});
  EXPECT_TRUE(liveness_.on_heard(start + seconds{3}));
  EXPECT_EQ(state(), State::up);
  EXPECT_EQ(liveness_.next_deadline(), start + seconds{5});
}

TEST_F(LivenessTest, ASuspectThatWasNotVerifiedGoesBackToSyncing) {
  join();
  liveness_.on_time(start + seconds{3});
  ASSERT_EQ(state(), State::suspect);
  EXPECT_TRUE(liveness_.on_heard(start + seconds{3}));
  EXPECT_EQ(state(), State::syncing);
}

TEST_F(LivenessTest, IsLostAfterItsTimeoutOfSilence) {
  join_verified();
  liveness_.on_time(start + seconds{2});
  EXPECT_EQ(liveness_.next_deadline(), start + seconds{5});
  EXPECT_FALSE(liveness_.on_time(start + seconds{5} - Duration{1}));
  EXPECT_TRUE(liveness_.on_time(start + seconds{5}));
  EXPECT_EQ(state(), State::lost);
  EXPECT_EQ(liveness_.next_deadline(), never);
}

TEST_F(LivenessTest, IsLostWithoutBeingSuspectWhenTheJudgeLooksLate) {
  join_verified();
  EXPECT_TRUE(liveness_.on_time(start + seconds{6}));
  EXPECT_EQ(state(), State::lost);
}

TEST_F(LivenessTest, AClosedConnectionIsSuspectAtOnceAndLostAfterGrace) {
  join_verified();
  EXPECT_TRUE(liveness_.on_closed("reset", start + milliseconds{100}));
  EXPECT_EQ(state(), State::suspect);
  EXPECT_EQ(liveness_.next_deadline(), start + milliseconds{1100});
  EXPECT_FALSE(liveness_.on_time(start + milliseconds{1099}));
  EXPECT_TRUE(liveness_.on_time(start + milliseconds{1100}));
  EXPECT_EQ(state(), State::lost);
}

TEST_F(LivenessTest, ALateFrameOfAClosedConnectionRevivesNothing) {
  join_verified();
  liveness_.on_closed("reset", start);
  EXPECT_FALSE(liveness_.on_heard(start + milliseconds{1}));
  EXPECT_EQ(state(), State::suspect);
}

TEST_F(LivenessTest, AConnectionClosesOnce) {
  join_verified();
  liveness_.on_closed("reset", start);
  EXPECT_FALSE(liveness_.on_closed("reset", start + milliseconds{900}));
  EXPECT_TRUE(liveness_.on_time(start + seconds{1})) << "a second close must not extend the grace";
}

TEST_F(LivenessTest, GoodbyeIsLeftFromEveryState) {
  for (int silent_s : {0, 3, 6}) {
    Liveness liveness(options);
    liveness.on_session(options, start);
    liveness.on_time(start + seconds{silent_s});
    EXPECT_TRUE(liveness.on_goodbye("stopped"));
    EXPECT_EQ(liveness.state(), State::left);
    EXPECT_EQ(liveness.next_deadline(), never);
    EXPECT_FALSE(liveness.on_closed("eof", start + seconds{7})) << "left stays left";
    EXPECT_FALSE(liveness.on_time(start + seconds{99}));
    EXPECT_FALSE(liveness.on_heard(start + seconds{99}));
    EXPECT_EQ(liveness.state(), State::left);
  }
}

TEST_F(LivenessTest, ANewSessionRevivesSuspectLostAndLeft) {
  join_verified();
  liveness_.on_closed("reset", start);
  EXPECT_TRUE(liveness_.on_session(options, start));
  EXPECT_FALSE(liveness_.verified()) << "each session is verified by its own digest";
  liveness_.on_time(start + seconds{5});
  ASSERT_EQ(state(), State::lost);
  EXPECT_TRUE(liveness_.on_session(options, start + seconds{5}));
  liveness_.on_goodbye("stopped");
  EXPECT_TRUE(liveness_.on_session(options, start + seconds{6}));
  EXPECT_EQ(state(), State::syncing);
  EXPECT_EQ(liveness_.next_deadline(), start + seconds{8});
}

TEST_F(LivenessTest, LostIsNotRevivedByFrames) {
  join_verified();
  liveness_.on_time(start + seconds{5});
  EXPECT_FALSE(liveness_.on_heard(start + seconds{5}));
  EXPECT_FALSE(liveness_.on_verified(start + seconds{5}));
  EXPECT_EQ(state(), State::lost);
}

TEST_F(LivenessTest, AShiftMovesEveryDeadlineByTheJudgesLateness) {
  join_verified();
  liveness_.shift(seconds{3}, start + seconds{4});
  EXPECT_FALSE(liveness_.on_time(start + seconds{5} - Duration{1}));
  EXPECT_TRUE(liveness_.on_time(start + seconds{5}));
  EXPECT_EQ(state(), State::suspect);
  liveness_.on_session(options, start);
  liveness_.on_closed("reset", start);
  liveness_.shift(seconds{3}, start + seconds{4});
  EXPECT_EQ(liveness_.next_deadline(), start + seconds{4});
}

TEST_F(LivenessTest, AShiftNeverReachesIntoTheFuture) {
  join_verified();
  const Time woke = start + seconds{60};
  liveness_.on_heard(woke);  // a frame from the buffer, read before the clock was looked at
  liveness_.shift(seconds{58}, woke);
  EXPECT_TRUE(liveness_.on_time(woke + seconds{2})) << "a real silence must be seen at once";
}

TEST_F(LivenessTest, TheSecondSessionUsesItsOwnOptions) {
  join_verified();
  liveness_.on_session({seconds{10}, seconds{60}, seconds{10}}, start);
  EXPECT_EQ(liveness_.next_deadline(), start + seconds{20});
}

}  // namespace
}  // namespace banyan::tree
