// Batches: the next one begins when the last is done and ready again; failures stop it.

#include "common/view/rollout.h"

#include <map>

#include <gmock/gmock.h>

namespace banyan::view {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Seen = Rollout::Seen;

constexpr Time start{seconds{1'000}};

class RolloutTest : public ::testing::Test {
 protected:
  void make(RolloutLimits limits, std::size_t targets) {
    rollout_.emplace(limits, seconds{30});
    for (std::size_t i = 0; i < targets; ++i) rollout_->add(i);
  }
  Rollout::Step step(Duration at) {
    const auto see = [this](std::size_t target) { return seen_[target]; };
    return rollout_->step(see, start + at);
  }

  std::optional<Rollout> rollout_;
  std::map<std::size_t, Seen> seen_;
};

TEST_F(RolloutTest, BeginsWithOneBatchAndWaitsForItsOutcomes) {
  make({2, 0}, 5);
  EXPECT_THAT(step({}).begin, ElementsAre(0, 1));
  EXPECT_THAT(step(seconds{9}).begin, IsEmpty());
  seen_[0] = Seen::ready;
  EXPECT_THAT(step(seconds{10}).begin, IsEmpty()) << "the other one has no outcome yet";
  EXPECT_EQ(rollout_->next_deadline(), never);
}

TEST_F(RolloutTest, TheNextBatchWaitsUntilAllAreReadyForASecond) {
  make({2, 0}, 5);
  step({});
  seen_[0] = Seen::ready;
  seen_[1] = Seen::not_ready;
  EXPECT_THAT(step(seconds{1}).begin, IsEmpty());
  seen_[1] = Seen::ready;
  EXPECT_THAT(step(seconds{2}).begin, IsEmpty());
  EXPECT_EQ(rollout_->next_deadline(), start + seconds{3});
  EXPECT_THAT(step(seconds{3}).begin, ElementsAre(2, 3));
}

TEST_F(RolloutTest, WhatFallsOverAtOnceIsNotReady) {
  make({1, 0}, 2);
  step({});
  seen_[0] = Seen::ready;
  step(seconds{1});
  seen_[0] = Seen::not_ready;
  step(milliseconds{1'500});
  seen_[0] = Seen::ready;
  EXPECT_THAT(step(milliseconds{2'100}).begin, IsEmpty());
  EXPECT_THAT(step(milliseconds{3'100}).begin, ElementsAre(1));
}

TEST_F(RolloutTest, StopsAfterAsManyFailuresAsAllowed) {
  make({2, 2}, 6);
  step({});
  seen_[0] = Seen::failed;
  seen_[1] = Seen::ready;
  step(seconds{1});
  EXPECT_THAT(step(seconds{2}).begin, ElementsAre(2, 3)) << "one failure is not two";
  seen_[2] = seen_[3] = Seen::failed;
  const auto last = step(seconds{3});
  EXPECT_TRUE(last.stop);
  EXPECT_THAT(last.begin, IsEmpty());
  EXPECT_THAT(rollout_->take_left(), ElementsAre(4, 5));
  EXPECT_EQ(rollout_->failures(), 3u);
}

TEST_F(RolloutTest, WhatIsNotReadyInTimeIsAFailure) {
  make({1, 1}, 2);
  step({});
  seen_[0] = Seen::not_ready;
  step(seconds{5});
  EXPECT_EQ(rollout_->next_deadline(), start + seconds{35});
  EXPECT_FALSE(step(seconds{34}).stop);
  const auto last = step(seconds{35});
  EXPECT_TRUE(last.stop);
  EXPECT_THAT(last.unready, ElementsAre(0));
}

TEST_F(RolloutTest, WithoutALimitItGoesOnToTheEnd) {
  make({1, 0}, 3);
  step({});
  seen_[0] = seen_[1] = seen_[2] = Seen::failed;
  EXPECT_THAT(step(seconds{1}).begin, ElementsAre(1));
  EXPECT_THAT(step(seconds{2}).begin, ElementsAre(2));
  const auto last = step(seconds{3});
  EXPECT_FALSE(last.stop);
  EXPECT_THAT(last.begin, IsEmpty());
}

}  // namespace
}  // namespace banyan::view
