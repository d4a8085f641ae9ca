// Which commands are believed: signed, for this node by the name under which it was enrolled, in
// order, and of the present.

#include "common/tree/command_guard.h"

#include <gtest/gtest.h>

#include "common/tree/command_key.h"
#include "tests/unit/tree/link_pair.h"

namespace banyan::tree {
namespace {

using testing::at;

class CommandGuardTest : public ::testing::Test {
 protected:
  CommandGuardTest() {
    v1::NodeFact node;
    (*node.mutable_labels())["tier"] = "front";
    set(mirror_, v1::FACT_KIND_NODE, "", fact_bytes(node));
    target("api", "api");
    target("db.1", "db");
    target("db.2", "db");
    command_.set_id("0123456789abcdef");
    command_.set_verb("restart");
    command_.set_selector("dc1/web-1/api");
    command_.set_epoch(5);
    command_.set_sequence(7);
    command_.set_issued_ms(wall_ms(at(seconds{0}).wall));
    command_.set_max_age_ms(10'000);
  }
  static void set(Mirror& mirror, v1::FactKind kind, const std::string& id,
                  const std::string& bytes) {
    Changes changes;
    ASSERT_TRUE(mirror.set({"", kind, id}, std::string(32, 'a'), bytes, changes));
  }
  void target(const std::string& name, const std::string& group) {
    v1::TargetFact fact;
    fact.set_state(v1::TARGET_STATE_RUNNING);
    fact.set_group(group);
    set(mirror_, v1::FACT_KIND_TARGET, name, fact_bytes(fact));
  }
  v1::Request signed_by(const CommandSigner& signer) const {
    v1::Request request;
    *request.mutable_command() = command_;
    signer.sign(request);
    return request;
  }
  std::string why(const v1::Request& request, Duration when = seconds{1}) {
    const auto believed = guard_.check(request, at(when));
    return believed ? "" : believed.error().what;
  }
  bool names(const std::string& selector, const std::string& name, const std::string& verb = "stop",
             const std::string& issuer = "") {
    CommandGuard::Believed believed{command_, issuer};
    believed.command.set_selector(selector);
    believed.command.set_verb(verb);
    return guard_.targets(believed, mirror_).contains(name);
  }

  CommandSigner root_{std::string(32, 'r')};
  CommandSigner dc1_{std::string(32, 'd')};
  CommandSigner stranger_{std::string(32, 's')};
  CommandGuard guard_{
      {{{root_.public_key(), ""}, {dc1_.public_key(), "dc1"}}, {"dc1/web-1", "dc2/web-1"}}};
  Mirror mirror_;
  v1::Command command_;
};

TEST_F(CommandGuardTest, WhatTheRootSignedIsBelieved) {
  EXPECT_EQ(why(signed_by(root_)), "");
  EXPECT_EQ(why(signed_by(root_)), "") << "its targets may come in several frames";
}

TEST_F(CommandGuardTest, TheSameSecretGivesTheSameKeyAndAnotherSecretAnotherOne) {
  EXPECT_EQ(CommandSigner(std::string(32, 'r')).public_key(), root_.public_key());
  EXPECT_NE(root_.public_key(), dc1_.public_key());
  EXPECT_EQ(root_.public_key().size(), command_key_size);
}

TEST_F(CommandGuardTest, WithoutASignatureOrByAnUnlistedKeyItIsNot) {
  v1::Request bare = signed_by(root_);
  bare.clear_signed_command();
  EXPECT_EQ(why(bare), "it is not signed");
  EXPECT_NE(why(signed_by(stranger_)).find("not among command_keys"), std::string::npos);
}

TEST_F(CommandGuardTest, AnySingleAlteredByteIsFound) {
  const v1::Request good = signed_by(root_);
  for (std::size_t i = 0; i < good.signed_command().command().size(); ++i) {
    v1::Request bad = good;
    (*bad.mutable_signed_command()->mutable_command())[i] ^= 1;
    EXPECT_NE(why(bad).find("forged or altered"), std::string::npos) << i;
  }
  v1::Request forged = good;
  (*forged.mutable_signed_command()->mutable_signature())[10] ^= 1;
  EXPECT_NE(why(forged), "");
  forged.mutable_signed_command()->set_signature("short");
  EXPECT_NE(why(forged), "");
  v1::Request altered = good;
  altered.mutable_command()->set_verb("stop");
  EXPECT_NE(why(altered).find("altered on its way"), std::string::npos);
  v1::Request lent = good;  // another listed key's name on it
  lent.mutable_signed_command()->set_key(dc1_.public_key());
  EXPECT_NE(why(lent).find("not the one of dc1"), std::string::npos);
  EXPECT_EQ(why(good), "") << "and nothing of that counts against the true one";
}

TEST_F(CommandGuardTest, AnOlderSequenceOfAnIssuerIsRefusedAndEachIssuerHasItsOwn) {
  EXPECT_EQ(why(signed_by(root_)), "");
  const v1::Request first = signed_by(root_);
  command_.set_id("another one");
  EXPECT_NE(why(signed_by(root_)), "") << "the same number for another command";
  EXPECT_EQ(why(signed_by(dc1_)), "");
  command_.set_sequence(8);
  EXPECT_EQ(why(signed_by(root_)), "");
  EXPECT_NE(why(first).find("older than one that was taken"), std::string::npos);
  command_.set_epoch(6);  // the root has restarted, and counts anew
  command_.set_sequence(1);
  EXPECT_EQ(why(signed_by(root_)), "");
  EXPECT_NE(why(first), "");
}

TEST_F(CommandGuardTest, MarksOfAnEarlierRunHold) {
  EXPECT_EQ(why(signed_by(root_)), "");
  CommandGuard later({{{root_.public_key(), ""}}, {"dc1/web-1"}}, guard_.marks());
  command_.set_sequence(6);
  command_.set_id("older");
  EXPECT_FALSE(later.check(signed_by(root_), at(seconds{1})));
}

TEST_F(CommandGuardTest, TheNewestOfAnEarlierRunIsNotBelievedAgainUnlessItIsRemembered) {
  EXPECT_EQ(why(signed_by(root_)), "");
  const v1::Request taken = signed_by(root_);
  CommandGuard later({{{root_.public_key(), ""}}, {"dc1/web-1"}}, guard_.marks());
  const auto again = later.check(taken, at(seconds{1}));
  ASSERT_FALSE(again);
  EXPECT_NE(again.error().what.find("older than one that was taken"), std::string::npos);
  EXPECT_EQ(later.marks(), guard_.marks());
  later.reopen("another one");
  EXPECT_FALSE(later.check(taken, at(seconds{1})));
  later.reopen(command_.id());
  EXPECT_TRUE(later.check(taken, at(seconds{1}))) << "after an upgrade";
}

TEST_F(CommandGuardTest, OfAClosedCommandNoFurtherFrameIsBelievedAndTheNextOneIs) {
  EXPECT_EQ(why(signed_by(root_)), "");
  guard_.close("another one");
  EXPECT_EQ(why(signed_by(root_)), "");
  guard_.close(command_.id());
  EXPECT_NE(why(signed_by(root_)).find("older than one that was taken"), std::string::npos);
  command_.set_sequence(8);
  command_.set_id("the next");
  EXPECT_EQ(why(signed_by(root_)), "");
  EXPECT_EQ(why(signed_by(root_)), "") << "and its further frames";
}

TEST_F(CommandGuardTest, TheAgeIsBoundedByTheCommandAndAToleranceForClocks) {
  const Duration limit = seconds{10} + CommandGuard::clock_tolerance;
  EXPECT_NE(why(signed_by(root_), limit + milliseconds{1}).find("ago by the clock"),
            std::string::npos);
  EXPECT_EQ(why(signed_by(root_), limit), "");
  command_.set_issued_ms(wall_ms(at(seconds{0}).wall) + 30'001);
  command_.set_sequence(9);
  EXPECT_NE(why(signed_by(root_), seconds{0}).find("ahead of the clock"), std::string::npos);
  EXPECT_EQ(why(signed_by(root_), milliseconds{1}), "");
}

TEST_F(CommandGuardTest, TheSelectorMustNameTheTargetUnderAnEnrolledPath) {
  for (const char* selector : {"dc1/web-1/api", "dc2/web-1/api", "dc1/web-1", "**", "api", "web-1",
                               "dc9/x,dc1/*/api", "-l tier=front", "@down", "**/api @failed"}) {
    EXPECT_TRUE(names(selector, "api")) << selector;
  }
  for (const char* selector : {"dc1/web-2/api", "dc3/**", "dc1/web-1/db.1", "db", "web-2",
                               "-l tier=back", "** -l tier!=front", "dc1", "/web-1/api", "/api"}) {
    EXPECT_FALSE(names(selector, "api")) << selector;
  }
  EXPECT_TRUE(names("dc1/web-1/db", "db.2")) << "a group means its instances";
  EXPECT_TRUE(names("dc1/web-1/db.2", "db", "scale")) << "and scaling one names its group";
  EXPECT_FALSE(names("dc1/web-1/db.2", "db", "stop"));
}

TEST_F(CommandGuardTest, TheKeyOfARelaySpeaksFromThereAndOnlyBelow) {
  EXPECT_TRUE(names("web-1/api", "api", "stop", "dc1"));
  EXPECT_TRUE(names("**", "api", "stop", "dc1"));
  EXPECT_FALSE(names("dc1/web-1/api", "api", "stop", "dc1"));
  EXPECT_FALSE(names("**", "api", "stop", "dc7")) << "this leaf was not enrolled below it";
}

TEST_F(CommandGuardTest, ForgettingIsNamedByTheChildsPath) {
  Mirror relay;
  v1::LinkFact link;
  set(relay, v1::FACT_KIND_LINK, "web-9", fact_bytes(link));
  CommandGuard guard({{{root_.public_key(), ""}}, {"dc1"}});
  CommandGuard::Believed believed{command_, ""};
  const auto named = [&](const std::string& selector) {
    believed.command.set_selector(selector);
    return guard.names_child(believed, relay, "web-9");
  };
  EXPECT_TRUE(named("dc1/web-9"));
  EXPECT_TRUE(named("@lost"));
  EXPECT_FALSE(named("dc1/web-8"));
  EXPECT_FALSE(named("dc2/web-9"));
  believed.command.set_selector("**");
  EXPECT_FALSE(guard.names_child(believed, relay, "unknown"));
}

}  // namespace
}  // namespace banyan::tree
