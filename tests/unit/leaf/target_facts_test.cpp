// Facts, events and log lines of a target.

#include "leaf/target_facts.h"

#include <gtest/gtest.h>

namespace banyan::leaf {
namespace {

const Now now{Time{} + seconds{1}, wall_from_ms(1'700'000'000'000), {}};

TargetStatus running() {
  TargetStatus status;
  status.name = "api";
  status.state = TargetState::running;
  return status;
}

TEST(TargetFacts, TellHealthOnlyWhenSomebodyLooks) {
  auto status = running();
  EXPECT_EQ(target_fact(status, {}, true, -1).health(), v1::HEALTH_UNSPECIFIED);
  status.health = Health::degraded;
  status.health_text = "slow\x1b[2J\xff";
  status.status_text = "12 users";
  const auto fact = target_fact(status, {}, true, -1);
  EXPECT_EQ(fact.health(), v1::HEALTH_DEGRADED);
  EXPECT_EQ(fact.health_text(), "slow\\x1b[2J\\xff") << "strangers' words command no terminal";
  EXPECT_EQ(fact.status_text(), "12 users");
}

TEST(TargetFacts, AScheduledTargetIsNotMissingBetweenItsRuns) {
  TargetConfig config;
  config.schedule = *parse_cron("@daily");
  auto status = running();
  status.state = TargetState::pending;
  EXPECT_FALSE(target_fact(status, config, true, -1).wanted());
  status.error = "waits for db";
  EXPECT_TRUE(target_fact(status, config, true, -1).wanted()) << "its run is due";
  status.state = TargetState::exited;
  status.last_exit.emplace();
  status.last_exit->code = 1;
  status.last_exit->at = now.wall;
  EXPECT_TRUE(target_fact(status, config, true, -1).wanted()) << "its run failed";
}

TEST(TargetFacts, WhatTheSupervisorDecidesIsAnEvent) {
  const auto late = event_of(InstanceFailed{"api", 3, "start_timeout", "not ready", {}}, now);
  ASSERT_TRUE(late.has_value());
  EXPECT_EQ(late->kind(), "start_timeout");
  EXPECT_EQ(late->text(), "not ready");
  EXPECT_EQ(late->data(), R"({"generation":3})");
  EXPECT_EQ(event_of(HealthChanged{"api", 3, Health::unhealthy, "500"}, now)->text(),
            "unhealthy: 500");
  EXPECT_EQ(event_of(RestartedAlong{"api", 3, "db"}, now)->text(), "with db");
  EXPECT_EQ(event_of(RunSkipped{"job", TargetState::running}, now)->kind(), "run_skipped");
  EXPECT_FALSE(event_of(SaidStatus{"api"}, now).has_value());
}

TEST(TargetFacts, AReloadSaysWhatItDid) {
  const auto event = reload_event({1, 2, 3, 4}, now);
  EXPECT_EQ(event.kind(), "reloaded");
  EXPECT_EQ(event.subject(), "");
  EXPECT_EQ(event.data(), R"({"added":1,"removed":2,"restarted":3,"changed":4})");
}

v1::HeldEvents told_exit(const std::string& target, std::uint64_t generation) {
  RunEnded ended;
  ended.target = target;
  ended.generation = generation;
  v1::HeldEvents stream;
  *stream.add_events() = *event_of(ended, now);
  return stream;
}

TEST(TargetFacts, AnExitToldByAnEarlierRunIsKnownIfThatVeryRunIsTakenOver) {
  Legacy legacy;
  legacy.runs.resize(2);
  legacy.runs[0].target = "api";
  legacy.runs[0].generation = 7;
  legacy.runs[1].target = "db";
  legacy.runs[1].generation = 1;
  legacy.ended.resize(2);
  legacy.ended[0].target = "api";
  legacy.ended[0].generation = 5;
  legacy.ended[1].target = "api";
  legacy.ended[1].generation = 6;
  const std::vector<v1::HeldEvents> earlier = {told_exit("api", 6), told_exit("api", 7),
                                               told_exit("db", 11), told_exit("gone", 1)};
  const std::set<std::pair<std::string, std::uint64_t>> expected = {{"api", 6}, {"api", 7}};
  EXPECT_EQ(told_exits(earlier, legacy), expected);
}

}  // namespace
}  // namespace banyan::leaf
