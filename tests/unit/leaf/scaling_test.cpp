// Scale requests: done when what was added runs and what was taken away is gone.

#include "leaf/scaling.h"

#include <gmock/gmock.h>

namespace banyan::leaf {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ScalingTest : public ::testing::Test {
 protected:
  std::vector<TargetRequest> begin(std::uint64_t token, unsigned instances,
                                   const InstanceGroups::Change& change) {
    TargetRequest request;
    request.token = token;
    request.verb = RequestVerb::scale;
    request.target = "api";
    request.instances = instances;
    return scaling_.begin(request, change);
  }
  void answer(const TargetRequest& request, OutcomeKind kind = OutcomeKind::done,
              const std::string& reason = {}) {
    EXPECT_TRUE(scaling_.on_outcome({request.token, kind, reason, 0, 0}));
  }
  std::vector<std::string> told() {
    std::vector<std::string> lines;
    for (const auto& outcome : scaling_.take_outcomes()) {
      lines.push_back(std::to_string(outcome.token) + " " +
                      std::string(outcome_name(outcome.kind)) + ": " + outcome.reason);
    }
    return lines;
  }

  Scaling scaling_;
};

TEST_F(ScalingTest, IsDoneWhenAllNewOnesRun) {
  const auto asks = begin(7, 3, {1, {"api"}, {"api.2", "api.3"}, {}});
  ASSERT_EQ(asks.size(), 2u);
  EXPECT_EQ(asks[0].verb, RequestVerb::start);
  EXPECT_EQ(asks[0].target, "api.2");
  answer(asks[0]);
  EXPECT_THAT(told(), IsEmpty());
  answer(asks[1]);
  EXPECT_THAT(told(), ElementsAre("7 done: 1 -> 3 instances"));
}

TEST_F(ScalingTest, IsDoneWhenAllSurplusOnesAreGone) {
  EXPECT_THAT(begin(7, 1, {3, {"api.1"}, {}, {"api.3", "api.2"}}), IsEmpty());
  scaling_.on_removed("api.3");
  scaling_.on_removed("other");
  EXPECT_THAT(told(), IsEmpty());
  scaling_.on_removed("api.2");
  EXPECT_THAT(told(), ElementsAre("7 done: 3 -> 1 instances"));
}

TEST_F(ScalingTest, ToZeroStopsTheLastOneAndBackStartsIt) {
  auto asks = begin(7, 0, {2, {"api.1"}, {}, {"api.2"}});
  ASSERT_EQ(asks.size(), 1u);
  EXPECT_EQ(asks[0].verb, RequestVerb::stop);
  answer(asks[0]);
  scaling_.on_removed("api.2");
  EXPECT_THAT(told(), ElementsAre("7 done: 2 -> 0 instances; api.1 is kept, stopped"));
  asks = begin(8, 1, {0, {"api.1"}, {}, {}});
  ASSERT_EQ(asks.size(), 1u);
  EXPECT_EQ(asks[0].verb, RequestVerb::start);
}

TEST_F(ScalingTest, FailsWithTheReasonsOfThoseThatDoNotStart) {
  const auto asks = begin(7, 3, {1, {"api"}, {"api.2", "api.3"}, {}});
  answer(asks[0], OutcomeKind::failed, "exit=1");
  answer(asks[1]);
  EXPECT_THAT(told(), ElementsAre("7 failed: 1 -> 3 instances; api.2: exit=1"));
}

TEST_F(ScalingTest, TheSameNumberIsDoneAtOnce) {
  EXPECT_THAT(begin(7, 3, {3, {"api.1", "api.2", "api.3"}, {}, {}}), IsEmpty());
  EXPECT_THAT(told(), ElementsAre("7 done: 3 instances already"));
}

TEST_F(ScalingTest, AnotherScaleOrAReloadSupersedesIt) {
  const auto asks = begin(7, 2, {1, {"api"}, {"api.2"}, {}});
  begin(8, 3, {2, {"api", "api.2"}, {"api.3"}, {}});
  EXPECT_THAT(told(), ElementsAre("7 rejected: superseded by scale to 3"));
  answer(asks[0]);
  EXPECT_THAT(told(), IsEmpty());
  scaling_.supersede_all("superseded by the new configuration");
  EXPECT_THAT(told(), ElementsAre("8 rejected: superseded by the new configuration"));
}

TEST_F(ScalingTest, OutcomesOfOthersAreNotItsOwn) {
  EXPECT_FALSE(scaling_.on_outcome({7, OutcomeKind::done, {}, 1, 1}));
}

}  // namespace
}  // namespace banyan::leaf
