// What a leaf hands to the program that replaces it in the same process.

#include "leaf/handover.h"

#include <csignal>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "leaf/request_journal.h"
#include "tests/unit/leaf/target_bench.h"

namespace banyan::leaf {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

constexpr int pid = 4711;

TargetConfig config_with(unsigned max_restarts) {
  TargetConfig config = TargetBench::default_config();
  config.max_restarts = {max_restarts, std::chrono::minutes{1}};
  config.backoff = {seconds{5}, seconds{50}};
  return config;
}

// The same leaf in its next program; over the wire.
Legacy legacy_of(const TargetBench& bench, std::vector<AdoptedRun> runs = {}) {
  v1::Handover sent;
  hold_positions(bench.supervisor.positions(), sent);
  v1::Handover received;
  EXPECT_TRUE(received.ParseFromString(sent.SerializeAsString()));
  Legacy legacy;
  legacy.runs = std::move(runs);
  add_positions(received, legacy);
  return legacy;
}

AdoptedRun run_of(const TargetBench& bench) {
  return {"api", bench.status().generation, pid, bench.now.time - seconds{1}};
}

TEST(Handover, WhatRunsIsNoNewsAndNothingIsDoneToIt) {
  auto before = TargetBench::running();
  const TargetBench after(TargetBench::default_config(), {}, legacy_of(before, {run_of(before)}));
  EXPECT_EQ(after.state(), TargetState::running);
  EXPECT_EQ(after.status().since, before.status().since);
  EXPECT_THAT(after.notices<RunAdopted>(), IsEmpty());
  EXPECT_THAT(after.effects.processes, IsEmpty());
}

TEST(Handover, AFailedTargetStaysFailedWithItsReason) {
  auto before = TargetBench::running(config_with(1));
  before.exited(1);
  before.pass(seconds{5});
  before.launched();
  before.exited(2);
  ASSERT_EQ(before.state(), TargetState::failed);
  const TargetBench after(config_with(1), {}, legacy_of(before));
  EXPECT_EQ(after.state(), TargetState::failed);
  EXPECT_EQ(after.status().error, before.status().error);
  EXPECT_EQ(after.status().restarts, 1U);
  EXPECT_EQ(after.status().last_exit->code, 2);
  EXPECT_THAT(after.effects.processes, IsEmpty());
}

TEST(Handover, ABackOffGoesOnWhereItStood) {
  auto before = TargetBench::running(config_with(10));
  for (int i = 0; before.state() != TargetState::backing_off; ++i) {
    ASSERT_LT(i, 8);
    before.exited(1);
    if (before.state() == TargetState::starting) before.launched();
  }
  const auto due = before.supervisor.next_deadline();
  TargetBench after(config_with(10), {}, legacy_of(before));
  EXPECT_EQ(after.state(), TargetState::backing_off);
  EXPECT_EQ(after.supervisor.next_deadline(), due);
  after.pass(due - after.now.time);
  EXPECT_EQ(after.state(), TargetState::starting);
  EXPECT_EQ(after.status().generation, before.status().generation + 1);
}

TEST(Handover, MaxRestartsCountsWhatWasBefore) {
  auto before = TargetBench::running(config_with(1));
  before.exited(1);
  before.pass(seconds{5});
  before.launched();
  TargetBench after(config_with(1), {}, legacy_of(before, {run_of(before)}));
  after.exited(1);
  EXPECT_EQ(after.state(), TargetState::failed);
}

TEST(Handover, WhatWasBeingReplacedIsReplaced) {
  auto before = TargetBench::running();
  before.ask(1, RequestVerb::restart);
  ASSERT_EQ(before.state(), TargetState::stopping);
  const TargetBench after(TargetBench::default_config(), {}, legacy_of(before, {run_of(before)}));
  EXPECT_EQ(after.state(), TargetState::stopping);
  ASSERT_FALSE(after.processes<SignalProcess>().empty());
  EXPECT_EQ(after.processes<SignalProcess>().front().signal, SIGTERM);
}

TEST(Handover, WhatIsNotReadyYetIsStillAskedFor) {
  TargetConfig config = TargetBench::default_config();
  config.ready.check.kind = CheckKind::fd;
  config.ready.check.fd = 3;
  auto before = TargetBench::running(config);
  ASSERT_EQ(before.state(), TargetState::starting);
  EXPECT_TRUE(before.supervisor.settled());
  TargetBench after(config, {}, legacy_of(before, {run_of(before)}));
  EXPECT_EQ(after.state(), TargetState::starting);
  EXPECT_THAT(after.notices<RunAdopted>(), IsEmpty());
  after.checked(Health::healthy, "said so", CheckPurpose::ready);
  EXPECT_EQ(after.state(), TargetState::running);
}

TEST(Handover, ItIsNotTheMomentWhileATargetIsLaunchedOrStopped) {
  TargetBench bench;
  EXPECT_FALSE(bench.supervisor.settled());
  bench.launched();
  EXPECT_TRUE(bench.supervisor.settled());
  bench.ask(1, RequestVerb::stop);
  EXPECT_FALSE(bench.supervisor.settled());
}

v1::Request request_of(const std::string& id) {
  v1::Request request;
  request.mutable_command()->set_id(id);
  request.mutable_command()->set_verb("restart");
  request.set_ttl_ms(1000);
  request.add_targets()->set_target("api");
  return request;
}

TEST(Handover, NoRequestIsPerformedTwice) {
  RequestJournal before;
  const auto taken = before.take(request_of("done"), "me");
  before.settle(Outcome{taken.requests[0].token, OutcomeKind::done, {}, 3, pid});
  before.take(request_of("running"), "me");
  EXPECT_FALSE(before.idle());
  v1::Handover handover;
  for (auto& held : before.held()) *handover.add_requests() = held;
  RequestJournal after;
  after.resume(handover);
  const auto done = after.take(request_of("done"), "me");
  EXPECT_THAT(done.requests, IsEmpty());
  EXPECT_EQ(done.at_once.outcomes(0).generation(), 3U);
  const auto unknown = after.take(request_of("running"), "me");
  EXPECT_THAT(unknown.requests, IsEmpty());
  EXPECT_EQ(unknown.at_once.outcomes(0).kind(), v1::OUTCOME_KIND_UNKNOWN);
  EXPECT_THAT(after.take(request_of("new"), "me").requests, SizeIs(1));
}

}  // namespace
}  // namespace banyan::leaf
