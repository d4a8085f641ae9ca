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

TEST_F(OutcomeAskTest, AboutInventedIdsPushesOutNothingThatWasTaken) {
  const std::string executed = command_.id();
  ASSERT_EQ(journal_.take(request(), "me").requests.size(), 1u);
  for (std::size_t i = 0; i < RequestJournal::max_ids + RequestJournal::max_fences; ++i) {
    command_.set_id("invented " + std::to_string(i));
    ASSERT_EQ(ask(boot_).outcomes_size(), 1);
  }
  EXPECT_LE(journal_.held().size(), RequestJournal::max_fences + 1) << "bounded";
  command_.set_id(executed);
  EXPECT_TRUE(journal_.has_taken(executed));
  const auto again = journal_.take(request(), "me");
  EXPECT_TRUE(again.requests.empty()) << "it would run twice";
  EXPECT_EQ(again.repeated, 1U);
}

TEST_F(OutcomeAskTest, AboutAnythingBeyondNamesKeepsNothing) {
  command_.set_id(std::string(100'000, 'x'));
  EXPECT_EQ(ask(boot_).outcomes_size(), 0);
  EXPECT_TRUE(journal_.held().empty());
}

TEST_F(OutcomeAskTest, FencesHoldOverAnUpgradeAndPushOutNothingThereEither) {
  ASSERT_EQ(journal_.take(request(), "me").requests.size(), 1u);
  for (std::size_t i = 0; i < RequestJournal::max_ids + 1; ++i) {
    command_.set_id("invented " + std::to_string(i));
    ask(boot_);
  }
  v1::Handover handover;
  for (auto& held : journal_.held()) *handover.add_requests() = held;
  journal_ = RequestJournal();
  journal_.resume(handover);
  EXPECT_FALSE(journal_.has_taken(command_.id()));
  EXPECT_TRUE(journal_.take(request(), "me").requests.empty()) << "fenced";
  command_.set_id("0123456789abcdef");
  EXPECT_TRUE(journal_.has_taken(command_.id()));
  EXPECT_TRUE(journal_.take(request(), "me").requests.empty());
}

TEST_F(OutcomeAskTest, WhatIsForgottenForANewerRequestIsSaid) {
  journal_.take(request(), "me");
  for (std::size_t i = 1; i < RequestJournal::max_ids; ++i) {
    command_.set_id("newer " + std::to_string(i));
    ASSERT_TRUE(journal_.take(request(), "me").forgotten.empty());
  }
  command_.set_id("one more");
  const auto taken = journal_.take(request(), "me");
  EXPECT_EQ(taken.forgotten, std::vector<std::string>{"0123456789abcdef"});
  EXPECT_FALSE(journal_.has_taken("0123456789abcdef"));
}

TEST_F(OutcomeAskTest, AnotherInstanceIsNotAnsweredFor) {
  instance_ = "other";
  EXPECT_EQ(ask(boot_).outcomes_size(), 0);
  instance_ = "me";
  EXPECT_EQ(journal_.take(request(), "me").requests.size(), 1u);
}

}  // namespace
}  // namespace banyan::leaf
