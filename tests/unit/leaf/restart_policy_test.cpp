#include "leaf/restart_policy.h"

#include <gtest/gtest.h>

namespace banyan::leaf {
namespace {

TargetConfig config_with(RestartPolicy policy) {
  TargetConfig config;
  config.name = "api";
  config.command = {"/bin/api"};
  config.restart = policy;
  return config;
}

Time at(Duration since_start) { return Time{} + seconds{100} + since_start; }

TEST(RestartPolicy, AlwaysRestartsAfterSuccessToo) {
  EXPECT_TRUE(wants_restart(config_with(RestartPolicy::always), 0, 0));
}

TEST(RestartPolicy, OnFailureRestartsOnlyAfterFailure) {
  auto config = config_with(RestartPolicy::on_failure);
  config.success_codes = {0, 3};
  EXPECT_FALSE(wants_restart(config, 0, 0));
  EXPECT_FALSE(wants_restart(config, 3, 0));
  EXPECT_TRUE(wants_restart(config, 1, 0));
  EXPECT_TRUE(wants_restart(config, 0, 11)) << "a signal is never a success";
}

TEST(RestartPolicy, NeverRestartsNever) {
  EXPECT_FALSE(wants_restart(config_with(RestartPolicy::never), 1, 0));
  EXPECT_FALSE(wants_restart(config_with(RestartPolicy::never), 0, 9));
}

TEST(RestartPolicy, DoublesTheLongestDelayUpToTheMaximum) {
  const Backoff backoff{milliseconds{100}, milliseconds{700}};
  EXPECT_EQ(longest_delay(backoff, 0), Duration{0});
  EXPECT_EQ(longest_delay(backoff, 1), milliseconds{100});
  EXPECT_EQ(longest_delay(backoff, 2), milliseconds{200});
  EXPECT_EQ(longest_delay(backoff, 3), milliseconds{400});
  EXPECT_EQ(longest_delay(backoff, 4), milliseconds{700});
  EXPECT_EQ(longest_delay(backoff, 4'000'000'000U), milliseconds{700});
}

TEST(RestartPolicy, MinZeroMeansAlwaysImmediate) {
  EXPECT_EQ(longest_delay(Backoff{Duration{0}, seconds{30}}, 20), Duration{0});
}

TEST(RestartHistory, FirstRestartIsImmediateAndLaterOnesStayBelowTheirLimit) {
  const auto config = config_with(RestartPolicy::always);
  Random random{7};
  RestartHistory history;
  for (unsigned count = 0; count < 20; ++count) {
    const auto decision = history.after_run(config, at(seconds{count}), milliseconds{1}, random);
    ASSERT_TRUE(decision.allowed);
    EXPECT_LE(decision.delay, longest_delay(config.backoff, count)) << count;
  }
  EXPECT_EQ(RestartHistory{}.after_run(config, at({}), milliseconds{1}, random).delay, Duration{0});
}

TEST(RestartHistory, SpreadsTheDelayOverTheWholeRange) {
  const auto config = config_with(RestartPolicy::always);
  Random random{11};
  int low = 0;
  constexpr int rounds = 1000;
  for (int i = 0; i < rounds; ++i) {
    RestartHistory history;
    history.after_run(config, at({}), milliseconds{1}, random);
    const auto delay = history.after_run(config, at({}), milliseconds{1}, random).delay;
    low += delay < milliseconds{50} ? 1 : 0;
  }
  EXPECT_GT(low, rounds * 2 / 5);
  EXPECT_LT(low, rounds * 3 / 5);
}

TEST(RestartHistory, ForgetsTheRowAfterASteadyRun) {
  const auto config = config_with(RestartPolicy::always);
  Random random{3};
  RestartHistory history;
  for (int i = 0; i < 10; ++i) history.after_run(config, at({}), milliseconds{1}, random);
  EXPECT_EQ(history.after_run(config, at({}), steady_run, random).delay, Duration{0});
  EXPECT_EQ(history.count(), 1U);
}

TEST(RestartHistory, GivesUpBeyondMaxRestartsWithinThePeriod) {
  auto config = config_with(RestartPolicy::always);
  config.max_restarts = {3, seconds{60}};
  Random random{5};
  RestartHistory history;
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(history.after_run(config, at(seconds{i}), seconds{1}, random).allowed);
  }
  EXPECT_FALSE(history.after_run(config, at(seconds{59}), seconds{1}, random).allowed);
  EXPECT_TRUE(history.after_run(config, at(seconds{60}), seconds{1}, random).allowed)
      << "the first one has left the period";
}

TEST(RestartHistory, ForgetMakesMaxRestartsCountAnew) {
  auto config = config_with(RestartPolicy::always);
  config.max_restarts = {1, seconds{60}};
  Random random{5};
  RestartHistory history;
  EXPECT_TRUE(history.after_run(config, at({}), seconds{1}, random).allowed);
  history.forget();
  EXPECT_TRUE(history.after_run(config, at({}), seconds{1}, random).allowed);
}

TEST(RestartHistory, NeverRetriesARefusedLaunchAtOnce) {
  auto config = config_with(RestartPolicy::always);
  config.backoff = {Duration{0}, Duration{0}};
  Random random{5};
  RestartHistory history;
  for (int i = 0; i < 5; ++i) {
    EXPECT_GE(history.after_refusal(config, at({}), random).delay, launch_retry_min);
  }
}

}  // namespace
}  // namespace banyan::leaf
