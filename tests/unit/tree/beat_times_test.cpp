// How long something lay in buffers, told by the beats that were answered before it was sent.

#include <gtest/gtest.h>

#include "tests/unit/tree/link_pair.h"

namespace banyan::tree {
namespace {

using testing::at;
using testing::ChildSide;
using testing::Said;

TEST(BeatTimes, WhatComesAtOnceHasNoAge) {
  BeatTimes beats;
  beats.reset(at({}).time);
  beats.sent(1, at({}).time);
  beats.answered(1, at(milliseconds{40}).time);
  EXPECT_EQ(beats.age(1, seconds{1}, at(milliseconds{1030}).time), Duration{0});
  EXPECT_EQ(beats.best_round_trip(), milliseconds{40});
}

TEST(BeatTimes, WhatLaySinceAnOldBeatIsAsOldAsThat) {
  BeatTimes beats;
  beats.reset(at({}).time);
  for (int i = 0; i < 10; ++i) beats.sent(static_cast<unsigned>(i + 1), at(seconds{i}).time);
  beats.answered(1, at(milliseconds{40}).time);
  EXPECT_EQ(beats.age(3, seconds{1}, at(seconds{9}).time), milliseconds{5960});
  EXPECT_EQ(beats.age(10, seconds{1}, at(seconds{9}).time), Duration{0});
}

TEST(BeatTimes, BeforeAnyBeatWasHeardTheSessionCounts) {
  BeatTimes beats;
  beats.reset(at({}).time);
  EXPECT_EQ(beats.age(0, seconds{1}, at(seconds{4}).time), seconds{3});
}

TEST(BeatTimes, AForgottenBeatCountsAsTheOldestRemembered) {
  BeatTimes beats;
  beats.reset(at({}).time);
  for (std::uint64_t i = 1; i <= BeatTimes::max_beats + 100; ++i) {
    beats.sent(i, at(milliseconds{i}).time);
  }
  const Time now = at(seconds{10}).time;
  EXPECT_EQ(beats.age(1, Duration{0}, now), now - at(milliseconds{101}).time);
}

TEST(Uplink, TheTimeToLiveOfARequestRunsOnWhileItLiesInABuffer) {
  ChildSide child;
  child.connect(at({}));
  child.time(at({}));  // beat 1
  v1::Frame answer;
  answer.mutable_beat_ack()->set_number(1);
  child.say(answer, at(milliseconds{10}));
  v1::Frame request;
  request.mutable_request()->mutable_command()->set_id("0123456789abcdef");
  request.mutable_request()->set_ttl_ms(2'500);
  request.mutable_request()->set_heard(1);
  child.time(at(seconds{1}));
  const Said soon = child.say(request, at(milliseconds{1005}));
  ASSERT_EQ(soon.of_parent<v1::Request>().size(), 1u);
  EXPECT_EQ(soon.of_parent<v1::Request>()[0].ttl_ms(), 2'500u);
  const Said late = child.say(request, at(milliseconds{3010}));  // it stood still meanwhile
  ASSERT_EQ(late.of_parent<v1::Request>().size(), 1u);
  EXPECT_EQ(late.of_parent<v1::Request>()[0].ttl_ms(), 500u);
  const Said over = child.say(request, at(milliseconds{4500}));
  EXPECT_EQ(over.of_parent<v1::Request>()[0].ttl_ms(), 0u);
}

}  // namespace
}  // namespace banyan::tree
