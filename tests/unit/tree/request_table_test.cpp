// Requests on their way down: split, unreachable at once, in doubt after a break, bounded.

#include "common/tree/request_table.h"

#include <gmock/gmock.h>

#include "tests/unit/tree/link_pair.h"

namespace banyan::tree {
namespace {

using testing::at;
using ::testing::HasSubstr;
using testing::Kind;
using testing::ParentSide;
using testing::Said;
using testing::ScriptedChild;

class RequestTableTest : public ::testing::Test {
 protected:
  RequestTableTest() {
    a_.role = "relay";
    a_.join(parent_, at({}));
    b_.join(parent_, at({}));
  }
  static v1::Request request(const std::vector<std::string>& paths, const std::string& id = "id") {
    v1::Request request;
    request.mutable_command()->set_id(id);
    request.mutable_command()->set_verb("restart");
    request.set_ttl_ms(5000);
    for (const std::string& path : paths) {
      v1::RequestTarget& target = *request.add_targets();
      target.set_path(path);
      target.set_target("t");
    }
    return request;
  }
  Said route(const v1::Request& request) {
    rising_.clear();
    return testing::in_turn(at({}), [&](Turn& turn) { table_.route(request, turn, rising_); });
  }
  void answer(const std::string& child, const std::string& path, v1::OutcomeKind kind) {
    v1::Outcomes outcomes;
    outcomes.set_id("id");
    outcomes.add_outcomes()->set_path(path);
    outcomes.mutable_outcomes(0)->set_target("t");
    outcomes.mutable_outcomes(0)->set_kind(kind);
    table_.on_outcomes(child, outcomes);
  }
  std::map<std::string, v1::OutcomeKind> gone(const std::string& child) {
    rising_.clear();
    table_.on_child_gone(child, rising_);
    std::map<std::string, v1::OutcomeKind> found;
    for (const auto& part : rising_) {
      for (const auto& outcome : part.outcomes()) found[outcome.path()] = outcome.kind();
    }
    return found;
  }

  ParentSide parent_;
  ScriptedChild a_{"a", 'a', 1};
  ScriptedChild b_{"b", 'b', 2};
  RequestTable table_{parent_.downlink};
  std::vector<v1::Outcomes> rising_;
};

TEST_F(RequestTableTest, SplitsPerChildAndCutsThePath) {
  const auto frames = route(request({"a/x/y", "b", "a"})).frames(Kind::kRequest);
  ASSERT_EQ(frames.size(), 2u);
  ASSERT_EQ(frames[0].request().targets_size(), 2);
  EXPECT_EQ(frames[0].request().targets(0).path(), "x/y");
  EXPECT_EQ(frames[0].request().targets(1).path(), "");
  EXPECT_EQ(frames[0].request().targets(0).target(), "t");
  EXPECT_EQ(frames[1].request().targets(0).path(), "");
  for (const auto& frame : frames) {
    EXPECT_EQ(frame.request().ttl_ms(), 5000u);
    EXPECT_EQ(frame.request().command().SerializeAsString(),
              request({}).command().SerializeAsString())
        << "the command travels unchanged";
  }
  EXPECT_TRUE(rising_.empty());
}

TEST_F(RequestTableTest, TellsTheLastBeatItAnswered) {
  b_.beat(parent_, {}, at({}));
  b_.beat(parent_, {}, at({}));
  EXPECT_EQ(route(request({"b"})).frames(Kind::kRequest)[0].request().heard(), 2u);
}

TEST_F(RequestTableTest, WhatCannotBeHandedOverIsUnreachableAtOnceWithTheReason) {
  parent_.closed(2, at({}));
  const Said said = route(request({"b", "nobody/x", "a"}));
  EXPECT_EQ(said.frames(Kind::kRequest).size(), 1u);
  ASSERT_EQ(rising_.size(), 1u);
  ASSERT_EQ(rising_[0].outcomes_size(), 2);
  for (const auto& outcome : rising_[0].outcomes()) {
    EXPECT_EQ(outcome.kind(), v1::OUTCOME_KIND_UNREACHABLE);
  }
  EXPECT_THAT(rising_[0].outcomes(0).reason(), HasSubstr("reset"));
  EXPECT_THAT(rising_[0].outcomes(1).reason(), HasSubstr("nobody is not known"));
  EXPECT_TRUE(gone("b").empty()) << "unreachable is final";
}

TEST_F(RequestTableTest, ASuspectChildStillGetsRequests) {
  parent_.time(at(seconds{2}));
  ASSERT_EQ(parent_.state("b"), Liveness::State::suspect);
  EXPECT_EQ(route(request({"b"})).frames(Kind::kRequest).size(), 1u);
}

TEST_F(RequestTableTest, ThisVeryNodeRunsNoTargets) {
  route(request({""}));
  ASSERT_EQ(rising_.size(), 1u);
  EXPECT_EQ(rising_[0].outcomes(0).kind(), v1::OUTCOME_KIND_REJECTED);
}

TEST_F(RequestTableTest, ABreakLeavesTheUnansweredInDoubt) {
  route(request({"a/x", "a/y", "b"}));
  answer("a", "a/x", v1::OUTCOME_KIND_DONE);
  EXPECT_EQ(gone("a"),
            (std::map<std::string, v1::OutcomeKind>{{"a/y", v1::OUTCOME_KIND_IN_DOUBT}}));
  EXPECT_TRUE(gone("a").empty()) << "said once";
  EXPECT_EQ(gone("b").size(), 1u) << "the other child's part is its own";
}

TEST_F(RequestTableTest, AnAnswerOfTheWrongChildAnswersNothing) {
  route(request({"a/x"}));
  answer("b", "a/x", v1::OUTCOME_KIND_DONE);
  EXPECT_EQ(gone("a").size(), 1u);
}

TEST_F(RequestTableTest, NobodyWaitsAnyMoreWhenTheSessionAboveEnded) {
  route(request({"a/x"}));
  table_.clear();
  EXPECT_TRUE(gone("a").empty());
}

TEST_F(RequestTableTest, AnEntryIsDroppedTenSecondsAfterItsTime) {
  route(request({"a/x"}));
  EXPECT_EQ(table_.next_deadline(), at(seconds{15}).time);
  table_.on_time(at(seconds{15} - Duration{1}).time);
  EXPECT_EQ(table_.next_deadline(), at(seconds{15}).time);
  table_.on_time(at(seconds{15}).time);
  EXPECT_EQ(table_.next_deadline(), never);
  EXPECT_TRUE(gone("a").empty());
}

TEST_F(RequestTableTest, MoreThan500TargetsGoInSeveralFrames) {
  std::vector<std::string> paths;
  for (int i = 0; i < 1001; ++i) paths.push_back("a/x" + std::to_string(i));
  const auto frames = route(request(paths)).frames(Kind::kRequest);
  ASSERT_EQ(frames.size(), 3u);
  EXPECT_EQ(frames[0].request().targets_size(), 500);
  EXPECT_EQ(frames[2].request().targets_size(), 1);
}

TEST_F(RequestTableTest, LongPathsStillGiveFramesThatMayBeReceived) {
  const std::string name(60, 'x');
  std::string path = "a";
  for (int i = 0; i < 14; ++i) path += "/" + name;
  std::vector<std::string> paths;
  for (int i = 0; i < 1000; ++i) paths.push_back(path + "/n" + std::to_string(i));
  const auto frames = route(request(paths)).frames(Kind::kRequest);  // decoded within the limits
  int targets = 0;
  for (const auto& frame : frames) targets += frame.request().targets_size();
  EXPECT_EQ(targets, 1000);
  EXPECT_EQ(gone("a").size(), 1000u);
  for (const auto& part : rising_) EXPECT_LT(part.ByteSizeLong(), 100'000u);
}

TEST_F(RequestTableTest, ABreakBelowManyTargetsRisesInPartsThatMayBeReceived) {
  std::vector<std::string> paths;
  for (int i = 0; i < 2000; ++i) paths.push_back("a/x" + std::to_string(i));
  route(request(paths));
  EXPECT_EQ(gone("a").size(), 2000u);
  for (const auto& part : rising_) {
    EXPECT_EQ(part.id(), "id");
    v1::Frame frame;
    *frame.mutable_outcomes() = part;
    EXPECT_TRUE(decode(encode(frame)));
  }
}

TEST_F(RequestTableTest, ManyUnreachableTargetsRiseInPartsThatMayBeReceived) {
  route(request(std::vector<std::string>(2000, "nobody/x")));
  EXPECT_EQ(rising_.size(), 4u);
  for (const auto& part : rising_) EXPECT_LE(part.outcomes_size(), max_targets_per_request);
}

TEST_F(RequestTableTest, BeyondItsLimitARequestIsRejectedWhole) {
  for (std::size_t i = 0; i < RequestTable::max_entries; ++i) {
    route(request({"a/x"}, "id" + std::to_string(i)));
    ASSERT_TRUE(rising_.empty());
  }
  const Said said = route(request({"a/x"}, "one more"));
  EXPECT_TRUE(said.frames().empty());
  ASSERT_EQ(rising_.size(), 1u);
  EXPECT_EQ(rising_[0].outcomes(0).kind(), v1::OUTCOME_KIND_REJECTED);
  EXPECT_THAT(rising_[0].outcomes(0).reason(), HasSubstr("too many"));
}

}  // namespace
}  // namespace banyan::tree
