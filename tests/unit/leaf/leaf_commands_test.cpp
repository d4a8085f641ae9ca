// Signed commands at a whole leaf: done once, and not before the disk knows of them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "common/tree/command_key.h"
#include "leaf/leaf.h"
#include "tests/unit/tree/link_pair.h"

namespace banyan {
namespace {

using leaf::Launched;
using leaf::ProcessEvent;
using leaf::SignalProcess;
using testing::HasSubstr;
using testing::SizeIs;

std::size_t signals(const LeafEffects& effects) {
  std::size_t found = 0;
  for (const auto& effect : effects.processes)
    found += std::holds_alternative<SignalProcess>(effect);
  return found;
}

// Why it rejected what it was told last; "" = it did not.
std::string rejection(const LeafEffects& effects) {
  std::string reason;
  for (const auto& effect : effects.links.list) {
    const auto* sent = std::get_if<tree::SendParent>(&effect);
    if (sent == nullptr) continue;
    const v1::Frame frame = tree::testing::frame_of(sent->bytes);
    for (const auto& outcome : frame.outcomes().outcomes()) {
      if (outcome.kind() == v1::OUTCOME_KIND_REJECTED) reason = outcome.reason();
    }
  }
  return reason;
}

class LeafCommands : public ::testing::Test {
 protected:
  LeafCommands() {
    command_.set_id("0123456789abcdef");
    command_.set_verb("signal");
    command_.set_signal(1);
    command_.set_selector("web-1");
    command_.set_epoch(5);
    command_.set_sequence(7);
    command_.set_issued_ms(wall_ms(now_.wall));
    command_.set_max_age_ms(60'000);
    begin({});
  }
  // A run of the leaf: with what the disk has kept, and what the program before has handed over.
  void begin(tree::CommandMarks marks, const v1::Handover& handover = {}) {
    LeafOptions options;
    options.node.name = "web-1";
    options.node.parents = {{"127.0.0.1", 7400}};
    options.node.security.commands = {{{signer_.public_key(), ""}}, {"web-1"}};
    options.command_marks = std::move(marks);
    options.handover = handover;
    for (const char* name : {"api", "db"}) {
      leaf::TargetConfig target;
      target.name = name;
      target.group = name;
      target.command = {"/bin/x"};
      options.targets.push_back(target);
    }
    leaf_ = std::make_unique<Leaf>(std::move(options), identity_);
    LeafEffects effects;
    leaf_->start(now_, effects);
    for (const auto& effect : effects.links.list) {
      if (const auto* dial = std::get_if<tree::DialParent>(&effect)) conn_ = dial->conn;
    }
    for (const char* name : {"api", "db"}) {
      leaf_->handle(ProcessEvent(Launched{name, 1, 100}), now_, effects);
    }
    sequence_ = 0;
    v1::Frame welcome;
    welcome.mutable_welcome()->set_protocol(1);
    say(std::move(welcome));
  }
  LeafEffects say(v1::Frame frame) {
    frame.set_session(50);
    frame.set_sequence(++sequence_);
    LeafEffects effects;
    leaf_->handle(tree::LinkEvent(tree::ParentFrame{conn_, tree::encode(frame)}), now_, effects);
    return effects;
  }
  LeafEffects ask_for(const std::string& target) {
    v1::Frame frame;
    v1::Request& request = *frame.mutable_request();
    *request.mutable_command() = command_;
    request.set_ttl_ms(60'000);
    request.add_targets()->set_target(target);
    signer_.sign(request);
    return say(std::move(frame));
  }
  // As the daemon does it.
  LeafEffects done(LeafEffects effects, const std::string& trouble = "") {
    if (effects.marks.empty()) return effects;
    disk_ = trouble.empty() ? std::exchange(effects.marks, {}).back() : disk_;
    leaf_->handle(MarksKept{trouble}, now_, effects);
    return effects;
  }

  Now now_{Time{seconds{100}}, wall_from_ms(1'000'000)};
  tree::CommandSigner signer_{std::string(32, 'r')};
  tree::Identity identity_ = tree::testing::identity_of("leaf", "web-1", 'a');
  v1::Command command_;
  std::unique_ptr<Leaf> leaf_;
  tree::ConnId conn_ = 0;
  std::uint64_t sequence_ = 0;
  tree::CommandMarks disk_;
};

TEST_F(LeafCommands, NothingIsDoneBeforeTheDiskKnows) {
  LeafEffects effects = ask_for("api");
  EXPECT_THAT(effects.marks, SizeIs(1));
  EXPECT_EQ(signals(effects), 0U);
  effects = done(std::move(effects));
  EXPECT_EQ(signals(effects), 1U);
  EXPECT_EQ(signals(done(ask_for("db"))), 1U) << "a further frame of it";
  EXPECT_EQ(signals(done(ask_for("api"))), 0U);
}

TEST_F(LeafCommands, WhatTheDiskDoesNotTakeIsRejectedForGoodAndTheNextOneIsTried) {
  LeafEffects effects = done(ask_for("api"), "no space left");
  EXPECT_EQ(signals(effects), 0U);
  EXPECT_THAT(rejection(effects), HasSubstr("no space left"));
  EXPECT_THAT(leaf_->events().held().events(), SizeIs(testing::Ge(1)));
  effects = done(ask_for("api"));
  EXPECT_EQ(signals(effects), 0U) << "whoever gave it was told that it was not done";
  EXPECT_THAT(rejection(effects), HasSubstr("older than one that was taken"));
  command_.set_id("the next");
  command_.set_sequence(8);
  EXPECT_EQ(signals(done(ask_for("api"))), 1U);
}

TEST_F(LeafCommands, AfterARestartTheSameFrameIsRejected) {
  EXPECT_EQ(signals(done(ask_for("api"))), 1U);
  begin(disk_);
  const LeafEffects effects = done(ask_for("api"));
  EXPECT_EQ(signals(effects), 0U);
  EXPECT_THAT(rejection(effects), HasSubstr("older than one that was taken"));
}

TEST_F(LeafCommands, OverAnUpgradeTheRestOfACommandIsDoneAndNothingTwice) {
  EXPECT_EQ(signals(done(ask_for("api"))), 1U);
  v1::Handover held;
  leaf_->hold(held);
  v1::Handover handover;  // of the requests alone: where targets stand is another matter
  *handover.mutable_requests() = held.requests();
  begin(disk_, handover);
  EXPECT_EQ(signals(done(ask_for("api"))), 0U);
  EXPECT_EQ(signals(done(ask_for("db"))), 1U);
}

TEST_F(LeafCommands, AFloodOfQuestionsDoesNotMakeItRunAgain) {
  EXPECT_EQ(signals(done(ask_for("api"))), 1U);
  for (std::size_t i = 0; i < leaf::RequestJournal::max_ids + 1; ++i) {
    v1::Frame frame;
    v1::OutcomeAsk& ask = *frame.mutable_outcome_ask();
    ask.set_id("invented " + std::to_string(i));
    ask.add_targets()->set_target("api");
    ask.mutable_targets(0)->set_instance(identity_.instance);
    say(std::move(frame));
  }
  EXPECT_EQ(signals(done(ask_for("api"))), 0U);
}

}  // namespace
}  // namespace banyan
