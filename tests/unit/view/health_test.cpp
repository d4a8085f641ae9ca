#include "common/view/health.h"

#include <gtest/gtest.h>

namespace banyan::view {
namespace {

v1::TargetFact target(v1::TargetState state, v1::Health health = v1::HEALTH_UNSPECIFIED) {
  v1::TargetFact fact;
  fact.set_state(state);
  fact.set_wanted(true);
  fact.set_health(health);
  return fact;
}

TEST(TargetHealthView, ARunningTargetIsWhatItsChecksSay) {
  const auto running = v1::TARGET_STATE_RUNNING;
  EXPECT_EQ(health_of(target(running), false), Health::healthy) << "nobody looks at it";
  EXPECT_EQ(health_of(target(running, v1::HEALTH_HEALTHY), false), Health::healthy);
  EXPECT_EQ(health_of(target(running, v1::HEALTH_DEGRADED), false), Health::degraded);
  EXPECT_EQ(health_of(target(running, v1::HEALTH_UNHEALTHY), false), Health::unhealthy);
  EXPECT_EQ(health_of(target(running, v1::HEALTH_UNKNOWN), false), Health::unknown);
  EXPECT_EQ(health_of(target(running, v1::HEALTH_HEALTHY), true), Health::unknown) << "presumed";
}

TEST(TargetHealthView, WhatWaitsForItsScheduleIsHealthyAndWhatWaitsForOthersUnknown) {
  auto waiting = target(v1::TARGET_STATE_PENDING);
  EXPECT_EQ(health_of(waiting, false), Health::unknown);
  waiting.set_wanted(false);
  EXPECT_EQ(health_of(waiting, false), Health::healthy);
}

}  // namespace
}  // namespace banyan::view
