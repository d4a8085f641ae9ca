// What a leaf answers to a question about a request: it never acts again.

#include "leaf/request_journal.h"

#include <gtest/gtest.h>

namespace banyan::leaf {
namespace {

class OutcomeAskTest : public testing::Test {
 protected:
  OutcomeAskTest() {
    boot_.set_random(7);
    boot_.set_start_ms(1);
    command_.set_id("0123456789abcdef");
    command_.set_verb("restart");
  }
  v1::Request request() const {
    v1::Request request;
    *request.mutable_command() = command_;
    request.set_ttl_ms(1000);
    request.add_targets()->set_target("api");
    return request;
  }
  v1::Outcomes ask(const v1::Boot& boot) {
    v1::OutcomeAsk ask;
    ask.set_id(command_.id());
    *ask.mutable_boot() = boot;
    ask.add_targets()->set_target("api");
    ask.mutable_targets(0)->set_instance(instance_);
    return journal_.answer(ask, "me", boot_);
  }

  RequestJournal journal_;
  v1::Boot boot_;
  v1::Command command_;
  std::string instance_ = "me";
};

TEST_F(OutcomeAskTest, IsAnsweredWithTheStoredOutcome) {
  const auto taken = journal_.take(request(), "me");
  ASSERT_EQ(taken.requests.size(), 1u);
  EXPECT_EQ(ask(boot_).outcomes_size(), 0) << "it runs: its outcome will rise";
  Outcome done;
  done.token = taken.requests[0].token;
  done.kind = OutcomeKind::done;
  journal_.settle(done);
  const v1::Outcomes answer = ask(boot_);
  ASSERT_EQ(answer.outcomes_size(), 1);
  EXPECT_EQ(answer.outcomes(0).kind(), v1::OUTCOME_KIND_DONE);
  EXPECT_EQ(answer.id(), command_.id());
}

TEST_F(OutcomeAskTest, WhatNeverArrivedIsUnreachableAndCannotRunAnyMore) {
  const v1::Outcomes answer = ask(boot_);
  ASSERT_EQ(answer.outcomes_size(), 1);
  EXPECT_EQ(answer.outcomes(0).kind(), v1::OUTCOME_KIND_UNREACHABLE);
  const auto late = journal_.take(request(), "me");
  EXPECT_TRUE(late.requests.empty());
  ASSERT_EQ(late.at_once.outcomes_size(), 1);
  EXPECT_EQ(late.at_once.outcomes(0).kind(), v1::OUTCOME_KIND_UNREACHABLE);
}

TEST_F(OutcomeAskTest, WhatAnEarlierRunDidNobodyKnowsAndNobodyRepeats) {
  v1::Boot earlier = boot_;
  earlier.set_random(6);
  const v1::Outcomes answer = ask(earlier);
  ASSERT_EQ(answer.outcomes_size(), 1);
  EXPECT_EQ(answer.outcomes(0).kind(), v1::OUTCOME_KIND_UNKNOWN);
  EXPECT_TRUE(journal_.take(request(), "me").requests.empty());
}

TEST_F(OutcomeAskTest, AnotherInstanceIsNotAnsweredFor) {
  instance_ = "other";
  EXPECT_EQ(ask(boot_).outcomes_size(), 0);
  instance_ = "me";
  EXPECT_EQ(journal_.take(request(), "me").requests.size(), 1u);
}

}  // namespace
}  // namespace banyan::leaf
