// Repair by descent: a real relay's uplink below a real parent, pictures made different on purpose.

#include <gtest/gtest.h>

#include "common/base/name.h"
#include "common/base/random.h"
#include "common/tree/node_digests.h"
#include "common/tree/repair.h"
#include "common/tree/repair_answer.h"
#include "tests/unit/tree/link_pair.h"

namespace banyan::tree {
namespace {

using State = Liveness::State;
using testing::at;
using testing::Kind;
using testing::LinkPair;
using testing::target_bytes;

class RepairTest : public ::testing::Test {
 protected:
  void target(const std::string& path, v1::TargetState state = v1::TARGET_STATE_RUNNING,
              Duration now = {}) {
    link_.take(link_.child.set_target_of(path, "t", state, at(now)));
  }
  // Joined, told, quiet.
  void settle() {
    link_.take(link_.child.start(at({})));
    link_.run({}, seconds{2});
    ASSERT_TRUE(link_.same_picture());
    ASSERT_EQ(link_.parent.state("leaf"), State::up);
    ASSERT_EQ(counters().questions, 0u) << "an empty mirror is filled without a question";
    link_.traffic.clear();
  }
  // The parent's mirror is changed behind its back.
  void corrupt(const std::string& path, v1::TargetState state) {
    Changes changes;
    ASSERT_TRUE(link_.parent.mirror.set(key(path), testing::instance_of('a'), target_bytes(state),
                                        changes));
  }
  void lose(const std::string& path) {
    Changes changes;
    link_.parent.mirror.remove_subtree(join_path("leaf", path), changes);
  }
  static FactKey key(const std::string& path) {
    return {join_path("leaf", path), v1::FACT_KIND_TARGET, "t"};
  }
  const Downlink::Counters& counters() const { return link_.parent.downlink.counters(); }
  void expect_repaired_by(std::size_t questions) {
    ASSERT_FALSE(link_.same_picture());
    link_.run(seconds{2}, seconds{4});
    EXPECT_TRUE(link_.same_picture());
    EXPECT_EQ(link_.parent.mirror.find("leaf")->digest(), link_.child.mirror.digest(""));
    EXPECT_EQ(counters().questions, questions);
    EXPECT_EQ(counters().repairs, 1u);
    EXPECT_EQ(counters().transfers_asked, 0u);
  }
  std::size_t repair_bytes() {
    return link_.traffic[Kind::kQuestion].bytes + link_.traffic[Kind::kAnswer].bytes;
  }

  LinkPair link_{{}, "relay"};
};

TEST_F(RepairTest, OneWrongFactAmongNineHundredLeavesCostsFourQuestionsAndTwoKilobytes) {
  for (int i = 0; i < 900; ++i) {
    target("r" + std::to_string(i / 30) + "/leaf-" + std::to_string(i));
  }
  settle();
  corrupt("r7/leaf-222", v1::TARGET_STATE_FAILED);
  expect_repaired_by(4);
  EXPECT_LT(repair_bytes(), 2500u);
  EXPECT_EQ(link_.traffic[Kind::kUpdate].frames, 0u) << "nothing else is told again";
}

TEST_F(RepairTest, AFactTooMuchAFactTooLittleAndAnotherInstanceAreCured) {
  target("a");
  target("b");
  settle();
  Changes changes;
  Mirror& held = link_.parent.mirror;
  ASSERT_TRUE(held.set({"leaf/a", v1::FACT_KIND_TARGET, "ghost"}, testing::instance_of('a'),
                       target_bytes(v1::TARGET_STATE_RUNNING), changes));
  ASSERT_TRUE(held.set({"leaf", v1::FACT_KIND_TARGET, "first"}, testing::instance_of('a'),
                       target_bytes(v1::TARGET_STATE_RUNNING), changes));
  ASSERT_TRUE(held.set(key("b"), testing::instance_of('9'), target_bytes(v1::TARGET_STATE_RUNNING),
                       changes));
  expect_repaired_by(6);
  EXPECT_EQ(held.fact_count(), link_.child.mirror.fact_count() + 1) << "and the link fact";
}

TEST_F(RepairTest, WhatIsNotListedIsPrunedWithEverythingBelowIt) {
  target("a");
  target("z");
  settle();
  corrupt("m/ghost/deep", v1::TARGET_STATE_RUNNING);
  corrupt("zz", v1::TARGET_STATE_RUNNING);
  expect_repaired_by(1);
  EXPECT_EQ(link_.parent.mirror.find("leaf/m"), nullptr);
  EXPECT_EQ(link_.parent.mirror.find("leaf/zz"), nullptr);
}

TEST_F(RepairTest, AMissingNodeComesWithOneQuestion) {
  target("a");
  target("b/c");
  settle();
  lose("b/c");
  expect_repaired_by(3);
}

TEST_F(RepairTest, ManyDifferencesKeepToSixteenOpenQuestions) {
  for (int i = 0; i < 200; ++i) target("leaf-" + std::to_string(i));
  settle();
  for (int i = 0; i < 200; ++i) corrupt("leaf-" + std::to_string(i), v1::TARGET_STATE_FAILED);
  link_.run(seconds{2}, seconds{2} + milliseconds{990});
  link_.take(link_.child.time(at(seconds{3})));
  std::size_t most = 0;
  std::size_t before = 0;
  for (bool more = true; more;) {
    while (link_.deliver_up(at(seconds{3}))) {
    }
    const std::size_t asked = link_.traffic[Kind::kQuestion].frames;
    most = std::max(most, asked - before);
    before = asked;
    more = false;
    while (link_.deliver_down(at(seconds{3}))) more = true;
  }
  EXPECT_TRUE(link_.same_picture());
  EXPECT_LE(most, Repair::max_open);
  EXPECT_EQ(counters().questions, 401u);
}

TEST_F(RepairTest, ANodeWithThousandsOfChildrenIsComparedInBuckets) {
  for (int i = 0; i < 3000; ++i) target("leaf-" + std::to_string(i));
  settle();
  corrupt("leaf-1234", v1::TARGET_STATE_FAILED);
  corrupt("ghost", v1::TARGET_STATE_FAILED);
  lose("leaf-77");
  ASSERT_FALSE(link_.same_picture());
  link_.run(seconds{2}, seconds{4});
  EXPECT_TRUE(link_.same_picture());
  EXPECT_LE(counters().questions, 8u);
  EXPECT_LT(repair_bytes(), 16'000u) << "buckets, and what is in those that differ";
}

TEST_F(RepairTest, ANodeWithThousandsOfFactsIsComparedInBuckets) {
  for (int i = 0; i < 3000; ++i) {
    link_.take(link_.child.set_target("t" + std::to_string(i), v1::TARGET_STATE_RUNNING, at({})));
  }
  settle();
  Changes changes;
  ASSERT_TRUE(link_.parent.mirror.set({"leaf", v1::FACT_KIND_TARGET, "t1500"},
                                      testing::instance_of('a'),
                                      target_bytes(v1::TARGET_STATE_FAILED), changes));
  expect_repaired_by(2);
  EXPECT_LT(repair_bytes(), 14'000u);
}

TEST_F(RepairTest, ChangesDuringADescentNeedNoSecondOne) {
  Random random(77);
  for (int i = 0; i < 60; ++i) target("leaf-" + std::to_string(i));
  settle();
  for (int round = 0; round < 50; ++round) {
    const Duration begin = seconds{2 + 3 * round};
    for (int i = 0; i < 5; ++i) {
      corrupt("leaf-" + std::to_string(random.below(70)), v1::TARGET_STATE_FAILED);
    }
    const std::uint64_t repairs = counters().repairs;
    for (Duration now = begin; now < begin + seconds{3}; now += milliseconds{3}) {
      if (random.chance(0.3)) {
        const auto state = static_cast<v1::TargetState>(1 + random.below(3));
        target("leaf-" + std::to_string(random.below(60)), state, now);
      }
      if (link_.child.uplink.next_deadline() <= at(now).time) link_.take(link_.child.time(at(now)));
      if (random.chance(0.2)) link_.deliver_up(at(now));
      if (random.chance(0.2)) link_.deliver_down(at(now));
    }
    link_.run(begin + seconds{3}, begin + seconds{3});
    ASSERT_TRUE(link_.same_picture()) << round;
    ASSERT_LE(counters().repairs, repairs + 1) << round;
  }
  EXPECT_GT(counters().repairs, 20u);
}

TEST_F(RepairTest, AfterABreakOnlyWhatDiffersIsToldAgain) {
  for (int i = 0; i < 300; ++i) target("leaf-" + std::to_string(i));
  settle();
  corrupt("leaf-5", v1::TARGET_STATE_FAILED);
  link_.sever(at(seconds{2}));
  target("leaf-9", v1::TARGET_STATE_STOPPED, seconds{2});
  link_.run(seconds{2}, seconds{4});
  EXPECT_TRUE(link_.same_picture());
  EXPECT_EQ(link_.parent.state("leaf"), State::up);
  EXPECT_EQ(counters().first_repairs, 1u);
  EXPECT_LT(counters().questions, 6u);
  EXPECT_EQ(link_.traffic[Kind::kUpdate].frames, 0u);
}

TEST_F(RepairTest, WhatWasOnItsWayWhenTheConnectionBrokeIsToldAgainWithoutAQuestion) {
  for (int i = 0; i < 300; ++i) target("leaf-" + std::to_string(i));
  settle();
  target("leaf-3", v1::TARGET_STATE_STOPPED, seconds{2});
  ASSERT_TRUE(link_.deliver_up(at(seconds{2}))) << "arrives, but its acknowledgement does not";
  target("leaf-5", v1::TARGET_STATE_STOPPED, seconds{2} + milliseconds{30});
  link_.sever(at(seconds{2} + milliseconds{40}));
  target("leaf-9", v1::TARGET_STATE_STOPPED, seconds{2} + milliseconds{50});
  link_.traffic.clear();
  link_.run(seconds{2} + milliseconds{50}, seconds{4});
  EXPECT_TRUE(link_.same_picture());
  EXPECT_EQ(link_.parent.state("leaf"), State::up);
  EXPECT_EQ(counters().questions, 0u);
  EXPECT_LT(link_.traffic[Kind::kUpdate].bytes, 300u) << "two facts";
}

// ---- what a child may not answer

class WrongAnswerTest : public ::testing::Test {
 protected:
  WrongAnswerTest() {
    Changes changes;
    for (const char* path : {"c/a", "c/b"}) {
      CHECK(mirror_.set({path, v1::FACT_KIND_TARGET, "t"}, testing::instance_of('1'),
                        target_bytes(v1::TARGET_STATE_RUNNING), changes));
    }
    repair_.begin();
    answer_.set_number(repair_.ask().at(0).number());
  }
  Status take(bool leaf = false) {
    Changes changes;
    return repair_.on_answer(answer_, {mirror_, child_, leaf}, changes);
  }

  std::string child_ = "c";
  Mirror mirror_;
  Repair repair_;
  v1::Answer answer_;
};

TEST_F(WrongAnswerTest, AnAnswerToNothing) {
  answer_.set_number(99);
  EXPECT_FALSE(take());
}

TEST_F(WrongAnswerTest, ChildrenOutOfOrderOrWithoutAName) {
  answer_.set_more(true);
  answer_.add_children()->set_name("b");
  EXPECT_TRUE(take());
  answer_.mutable_children(0)->set_name("b");
  EXPECT_FALSE(take()) << "again";
  answer_.mutable_children(0)->set_name("a");
  EXPECT_FALSE(take()) << "back";
  answer_.mutable_children(0)->set_name("../x");
  EXPECT_FALSE(take());
}

TEST_F(WrongAnswerTest, ChildrenOfALeafAndFactsNobodyAskedFor) {
  answer_.add_nodes();
  EXPECT_FALSE(take());
  answer_.clear_nodes();
  answer_.add_children()->set_name("a");
  EXPECT_FALSE(take(true));
}

TEST_F(WrongAnswerTest, AnotherNumberOfBuckets) {
  for (int i = 0; i < 255; ++i) answer_.add_buckets();
  EXPECT_FALSE(take());
}

TEST_F(WrongAnswerTest, EndlessDifferencesAreGivenUp) {
  for (std::size_t i = 0; repair_.running() && i < 300'000; ++i) {
    answer_.clear_children();
    answer_.add_children()->set_name(std::to_string(i % 10));
    answer_.mutable_children(0)->mutable_digest()->set_low(i + 1);
    Changes changes;
    for (const v1::Question& question : repair_.ask()) answer_.set_number(question.number());
    if (!repair_.on_answer(answer_, {mirror_, child_, false}, changes)) break;
  }
  SUCCEED() << "paths end at the greatest depth of a tree";
}

TEST(Answer, APageHoldsAboutAFrameAndNothingIsLeftOut) {
  Mirror mirror;
  Changes changes;
  for (int i = 0; i < 900; ++i) {
    CHECK(mirror.set({"", v1::FACT_KIND_OBSERVATION, "x" + std::to_string(i)},
                     testing::instance_of('1'), std::string(200, 'x'), changes));
  }
  v1::Question question;
  question.set_number(4);
  question.set_facts(true);
  const auto pages = answer_question(mirror, question);
  ASSERT_GT(pages.size(), 4u);
  std::size_t facts = 0;
  for (const v1::Answer& page : pages) {
    EXPECT_LT(page.ByteSizeLong(), 40'000u);
    EXPECT_EQ(page.more(), &page != &pages.back());
    EXPECT_EQ(page.number(), 4u);
    for (const auto& group : page.nodes()) facts += static_cast<std::size_t>(group.facts_size());
  }
  EXPECT_EQ(facts, 900u);
}

}  // namespace
}  // namespace banyan::tree
