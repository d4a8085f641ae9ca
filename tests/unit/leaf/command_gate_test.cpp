// Commands from above at the leaf: what is refused, why, and how often that is told.

#include "leaf/command_gate.h"

#include <gtest/gtest.h>

#include "common/tree/command_key.h"

namespace banyan::leaf {
namespace {

const Now noon{Time{} + seconds{1000}, wall_from_ms(1'700'000'000'000)};

class CommandGateTest : public testing::Test {
 protected:
  CommandGateTest() {
    for (const char* name : {"api", "db"}) {
      tree::Changes changes;
      v1::TargetFact fact;
      fact.set_group(name);
      EXPECT_TRUE(self_.set({"", v1::FACT_KIND_TARGET, name}, std::string(32, 'a'),
                            tree::fact_bytes(fact), changes));
    }
  }
  v1::Request request(const std::string& verb, std::vector<std::string> targets, int signal = 0) {
    v1::Request made;
    made.mutable_command()->set_id("id" + std::to_string(++last_));
    made.mutable_command()->set_verb(verb);
    made.mutable_command()->set_selector("web-1/api");
    made.mutable_command()->set_signal(signal);
    made.mutable_command()->set_epoch(1);
    made.mutable_command()->set_sequence(last_);
    made.mutable_command()->set_issued_ms(wall_ms(noon.wall));
    for (const std::string& target : targets) made.add_targets()->set_target(target);
    return made;
  }
  CommandGate::Setting keyed() {
    CommandGate::Setting setting;
    setting.trust = {{{signer_.public_key(), ""}}, {"web-1"}};
    return setting;
  }

  tree::CommandSigner signer_{std::string(32, 'r')};
  tree::Mirror self_;
  std::uint64_t last_ = 0;
};

TEST_F(CommandGateTest, WithoutKeysAndRulesEverythingPasses) {
  CommandGate gate({});
  const auto judged = gate.judge(request("stop", {"api", "db", "gone"}), self_, noon);
  EXPECT_EQ(judged.admitted.targets_size(), 3);
  EXPECT_EQ(judged.refused.outcomes_size(), 0);
  EXPECT_TRUE(judged.events.empty());
  EXPECT_FALSE(judged.marked);
}

TEST_F(CommandGateTest, AVerbOrSignalThatIsNotAllowedIsRejectedWithTheReasonAndTold) {
  CommandGate gate({});
  gate.allow({{{"signal"}}, {{1}}});
  auto judged = gate.judge(request("stop", {"api"}), self_, noon);
  ASSERT_EQ(judged.refused.outcomes_size(), 1);
  EXPECT_EQ(judged.refused.outcomes(0).kind(), v1::OUTCOME_KIND_REJECTED);
  EXPECT_EQ(judged.refused.outcomes(0).reason(),
            "[allow] of this leaf does not name the verb stop");
  EXPECT_EQ(judged.admitted.targets_size(), 0);
  ASSERT_EQ(judged.events.size(), 1U);
  EXPECT_EQ(judged.events[0].kind, "command_refused");
  judged = gate.judge(request("signal", {"api"}, 15), self_, noon);
  EXPECT_EQ(judged.refused.outcomes(0).reason(),
            "[allow] of this leaf does not name the signal TERM");
  judged = gate.judge(request("signal", {"api"}, 1), self_, noon);
  EXPECT_EQ(judged.admitted.targets_size(), 1);
}

TEST_F(CommandGateTest, WhatTheSignedSelectorDoesNotNameIsRejectedAndTheRestIsDone) {
  CommandGate gate(keyed());
  v1::Request made = request("stop", {"api", "db", "gone"});
  signer_.sign(made);
  const auto judged = gate.judge(made, self_, noon);
  EXPECT_TRUE(judged.marked);
  ASSERT_EQ(judged.admitted.targets_size(), 2) << "of what is not there the supervisor tells";
  EXPECT_EQ(judged.admitted.targets(0).target(), "api");
  ASSERT_EQ(judged.refused.outcomes_size(), 1);
  EXPECT_EQ(judged.refused.outcomes(0).target(), "db");
  EXPECT_EQ(judged.refused.id(), made.command().id());
  ASSERT_EQ(judged.events.size(), 1U);
  EXPECT_EQ(judged.events[0].subject, "db");
}

TEST_F(CommandGateTest, AnUnsignedOneLeavesNoMark) {
  CommandGate gate(keyed());
  const auto judged = gate.judge(request("stop", {"api"}), self_, noon);
  EXPECT_FALSE(judged.marked);
  EXPECT_TRUE(gate.marks().empty());
  EXPECT_EQ(judged.refused.outcomes_size(), 1);
}

TEST_F(CommandGateTest, AFloodOfRefusalsIsCountedAndNotTold) {
  CommandGate gate(keyed());
  std::size_t told = 0;
  for (int i = 0; i < 100; ++i) {
    const auto judged = gate.judge(request("stop", {"api"}), self_, noon);
    EXPECT_EQ(judged.refused.outcomes_size(), 1);
    told += judged.events.size();
  }
  EXPECT_EQ(told, tree::RefusalMeter::burst);
  const Now later{noon.time + tree::RefusalMeter::pace, noon.wall};
  const auto judged = gate.judge(request("stop", {"api"}), self_, later);
  ASSERT_EQ(judged.events.size(), 1U);
  EXPECT_NE(judged.events[0].text.find("80 more refusals"), std::string::npos);
}

TEST_F(CommandGateTest, WordsOfAStrangerAreMadeFitToBeShown) {
  CommandGate gate(keyed());
  v1::Request made = request("st\x1b[2Jop\"", {"api"});
  made.mutable_command()->set_selector(std::string(5000, 'x'));
  const auto judged = gate.judge(made, self_, noon);
  ASSERT_EQ(judged.events.size(), 1U);
  EXPECT_EQ(judged.events[0].text.find('\x1b'), std::string::npos);
  EXPECT_LT(judged.events[0].text.size(), 1000U);
  EXPECT_NE(judged.events[0].data.find(R"("verb":"")"), std::string::npos);
}

TEST_F(CommandGateTest, WhatWasAdmittedCanBeRefusedAfterAll) {
  CommandGate gate(keyed());
  const auto judged = gate.refuse(request("stop", {"api", "db"}), "the disk is full", noon);
  EXPECT_EQ(judged.refused.outcomes_size(), 2);
  EXPECT_EQ(judged.refused.outcomes(0).kind(), v1::OUTCOME_KIND_REJECTED);
  EXPECT_EQ(judged.refused.outcomes(0).reason(), "the disk is full");
  ASSERT_EQ(judged.events.size(), 1U);
  EXPECT_EQ(judged.events[0].kind, "command_refused");
}

TEST_F(CommandGateTest, ARepeatedCopyIsToldWhereCommandsAreSigned) {
  CommandGate open({});
  EXPECT_FALSE(open.repeated(request("stop", {"api"}), 1, noon));
  CommandGate gate(keyed());
  EXPECT_FALSE(gate.repeated(request("stop", {"api"}), 0, noon));
  EXPECT_TRUE(gate.repeated(request("stop", {"api"}), 1, noon));
}

}  // namespace
}  // namespace banyan::leaf
