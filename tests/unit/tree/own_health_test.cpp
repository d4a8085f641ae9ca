// Who was late itself judges more slowly, but not for ever.

#include "common/tree/own_health.h"

#include <gtest/gtest.h>

#include "tests/unit/tree/link_pair.h"

namespace banyan::tree {
namespace {

using State = Liveness::State;
using testing::at;
using testing::ParentSide;
using testing::ScriptedChild;

constexpr Time start{seconds{1'000}};
constexpr Duration no_lateness{0};

TEST(OwnHealth, APunctualJudgeGivesNoCredit) {
  OwnHealth health(seconds{5});
  health.was_late(lateness_ignored, start);
  EXPECT_EQ(health.credit(lateness_ignored, start), Duration{0});
  EXPECT_EQ(health.due(start, lateness_ignored), start);
}

TEST(OwnHealth, LatenessIsCreditedAndFades) {
  OwnHealth health(seconds{5});
  health.was_late(seconds{2}, start);
  EXPECT_EQ(health.credit(no_lateness, start), seconds{2});
  EXPECT_EQ(health.credit(no_lateness, start + seconds{1}), seconds{1});
  EXPECT_EQ(health.credit(no_lateness, start + seconds{400}), Duration{0});
}

TEST(OwnHealth, TheGreatestLatenessStandsUntilItHasFaded) {
  OwnHealth health(seconds{5});
  health.was_late(seconds{2}, start);
  health.was_late(milliseconds{100}, start + seconds{1});
  EXPECT_EQ(health.credit(no_lateness, start + seconds{1}), seconds{1});
}

TEST(OwnHealth, AllCreditTogetherIsBounded) {
  OwnHealth health(seconds{5});
  health.was_late(seconds{100}, start);
  EXPECT_EQ(health.credit(no_lateness, start), seconds{5});
  EXPECT_EQ(health.credit(seconds{3}, start), seconds{5});
  EXPECT_EQ(health.credit(seconds{3}, start + seconds{4}), seconds{4});
  EXPECT_EQ(health.credit(seconds{300}, start + seconds{20}), seconds{5});
}

TEST(OwnHealth, AVerdictIsDueWhenTheClockBehindHasComeThere) {
  for (const Duration late : {Duration{0}, Duration{seconds{1}}, Duration{seconds{4}}}) {
    for (const Duration childs : {Duration{0}, Duration{seconds{2}}, Duration{seconds{9}}}) {
      OwnHealth health(seconds{5});
      health.was_late(late, start);
      for (Time at = start - seconds{1}; at < start + seconds{9}; at += milliseconds{100}) {
        const Time due = health.due(at, childs);
        EXPECT_GE(due - health.credit(childs, due), at);
        EXPECT_GE(due, at);
        const Time before = due - milliseconds{1};
        if (before < start) continue;
        EXPECT_LT(before - health.credit(childs, before), at);
      }
    }
  }
  EXPECT_EQ(OwnHealth(seconds{5}).due(never, seconds{2}), never);
}

class LateJudgeTest : public ::testing::Test {
 protected:
  // Looks at the clock at every deadline.
  void run(Duration from, Duration end) {
    for (Duration now = from; now <= end; now += milliseconds{10}) {
      if (at(now).time >= parent_.downlink.next_deadline()) parent_.time(at(now));
    }
  }
  void beat(Duration now, Duration lateness) {
    v1::Frame frame;
    frame.mutable_beat()->set_number(++child_.beats);
    const auto late = static_cast<std::uint32_t>(lateness / milliseconds{1});
    frame.mutable_beat()->mutable_own()->set_lateness_ms(late);
    child_.say(parent_, frame, at(now));
  }
  State state() const { return parent_.state("a"); }

  ParentSide parent_;
  ScriptedChild child_{"a", 'a', 1};
};

TEST_F(LateJudgeTest, AChildThatSaidItWasLateIsSuspectedAsMuchLater) {
  child_.join(parent_, at({}));
  beat(milliseconds{100}, milliseconds{1'500});
  run(milliseconds{100}, milliseconds{3'500});
  EXPECT_EQ(state(), State::up);
  run(milliseconds{3'510}, milliseconds{3'650});
  EXPECT_EQ(state(), State::suspect);
}

TEST_F(LateJudgeTest, WhatAChildSaysDelaysItsLossByOneTimeoutAtMost) {
  child_.join(parent_, at({}));
  beat(milliseconds{100}, seconds{3'600});
  run(milliseconds{100}, milliseconds{10'000});
  EXPECT_NE(state(), State::lost);
  run(milliseconds{10'010}, milliseconds{10'200});
  EXPECT_EQ(state(), State::lost);
}

TEST_F(LateJudgeTest, AJudgeThatStoodStillSuspectsLater) {
  child_.join(parent_, at({}));
  beat(milliseconds{100}, no_lateness);
  parent_.time(at(milliseconds{2'100 + 1'000}));  // due at 2.1 s
  // One second was not its fault, and as much is given for being late at all, fading.
  run(milliseconds{3'110}, milliseconds{3'500});
  EXPECT_EQ(state(), State::up);
  run(milliseconds{3'510}, milliseconds{3'700});
  EXPECT_EQ(state(), State::suspect);
  run(milliseconds{3'710}, milliseconds{6'200});
  EXPECT_EQ(state(), State::lost) << "a dead child is found all the same";
}

}  // namespace
}  // namespace banyan::tree
