// Gauges of a leaf: sampled for who asks, at most once a second, rates over two samples.

#include "leaf/gauge_desk.h"

#include <gmock/gmock.h>

namespace banyan::leaf {
namespace {

class GaugeDeskTest : public ::testing::Test {
 protected:
  void ask(std::uint64_t number, bool targets = true) {
    v1::GaugeAsk question;
    question.set_ask(number);
    question.set_targets(targets);
    question.add_paths("");
    desk_.on_ask(question, now_);
  }
  void sampled(Duration cpu_used, std::uint64_t generation = 1) {
    UsageSampled all;
    all.everything = true;
    all.host.load_1m = 2.5;
    all.targets.push_back({"api", generation, cpu_used, 4096, 7, 2, seconds{10}});
    desk_.on_sampled(all, now_);
  }
  void pass(Duration time) {
    now_ += time;
    if (desk_.next_deadline() <= now_) desk_.on_time(now_);
  }
  std::vector<v1::GaugeAnswer> answers() { return desk_.take_answers(milliseconds{2}); }

  Time now_{seconds{1000}};
  GaugeDesk desk_;
};

TEST_F(GaugeDeskTest, SamplesNothingWhileNobodyAsks) {
  EXPECT_FALSE(desk_.take_wish());
  EXPECT_EQ(desk_.next_deadline(), never);
}

TEST_F(GaugeDeskTest, TheFirstQuestionTakesTwoSamplesForARate) {
  ask(1);
  EXPECT_TRUE(desk_.take_wish());
  EXPECT_FALSE(desk_.take_wish());
  sampled(seconds{5});
  EXPECT_TRUE(answers().empty());
  pass(GaugeDesk::window_min);
  EXPECT_TRUE(desk_.take_wish());
  sampled(milliseconds{5250});
  const auto told = answers();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].ask(), 1u);
  const auto& node = told[0].nodes(0);
  EXPECT_DOUBLE_EQ(node.load_1m(), 2.5);
  EXPECT_DOUBLE_EQ(node.rtt_ms(), 2);
  ASSERT_EQ(node.targets_size(), 1);
  EXPECT_NEAR(node.targets(0).cpu(), 0.5, 1e-9);
  EXPECT_EQ(node.targets(0).rss_bytes(), 4096u);
  EXPECT_EQ(node.targets(0).open_fds(), 7u);
  EXPECT_EQ(node.targets(0).processes(), 2u);
  EXPECT_EQ(node.targets(0).uptime_ms(), 10'000);
  EXPECT_EQ(desk_.next_deadline(), never) << "nobody asks any more";
}

TEST_F(GaugeDeskTest, AnswersFromTheLastSampleWhileItIsFresh) {
  ask(1);
  sampled(seconds{5});
  pass(GaugeDesk::window_min);
  sampled(seconds{5});
  answers();
  desk_.take_wish();
  pass(milliseconds{999});
  ask(2);
  EXPECT_FALSE(desk_.take_wish()) << "at most one sample a second";
  EXPECT_EQ(answers().size(), 1u);
  pass(milliseconds{1});
  ask(3);
  EXPECT_TRUE(desk_.take_wish());
  sampled(seconds{6});
  const auto told = answers();
  ASSERT_EQ(told.size(), 1u) << "the sample before is near enough for a rate";
  EXPECT_NEAR(told[0].nodes(0).targets(0).cpu(), 1.0, 1e-9);
}

TEST_F(GaugeDeskTest, ASampleOfLongAgoIsNoBase) {
  ask(1);
  sampled(seconds{5});
  pass(GaugeDesk::window_min);
  sampled(seconds{5});
  answers();
  pass(GaugeDesk::window_max + seconds{1});
  desk_.take_wish();
  ask(2);
  sampled(seconds{5});
  EXPECT_TRUE(answers().empty());
  EXPECT_NE(desk_.next_deadline(), never);
}

TEST_F(GaugeDeskTest, ARunThatIsNewIsMeasuredOverItsTime) {
  ask(1);
  sampled(seconds{50});
  pass(GaugeDesk::window_min);
  sampled(seconds{5}, 2);
  EXPECT_NEAR(answers().at(0).nodes(0).targets(0).cpu(), 0.5, 1e-9) << "5 s of 10 s";
}

TEST_F(GaugeDeskTest, QuestionsOfOneTimeShareOneSample) {
  ask(1);
  ask(2, false);
  EXPECT_TRUE(desk_.take_wish());
  EXPECT_FALSE(desk_.take_wish());
  sampled(seconds{5});
  ask(3);
  pass(GaugeDesk::window_min);
  sampled(seconds{5});
  const auto told = answers();
  ASSERT_EQ(told.size(), 3u);
  EXPECT_EQ(told[1].nodes(0).targets_size(), 0) << "it did not ask for targets";
}

TEST_F(GaugeDeskTest, MoreQuestionsThanItHoldsAreRefused) {
  for (std::uint64_t i = 0; i <= GaugeDesk::max_asks; ++i) ask(i);
  const auto told = answers();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].missing_size(), 1);
}

TEST_F(GaugeDeskTest, ASampleForALimitIsNoneForIt) {
  ask(1);
  desk_.on_sampled(UsageSampled{}, now_);
  EXPECT_TRUE(answers().empty());
  EXPECT_EQ(desk_.next_deadline(), never);
}

}  // namespace
}  // namespace banyan::leaf
