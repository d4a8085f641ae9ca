// Each refusal, with the numbers or names behind it; who gets a name that is held.

#include "common/tree/admission.h"

#include <gmock/gmock.h>

#include "tests/unit/tree/link_pair.h"

namespace banyan::tree {
namespace {

using ::testing::HasSubstr;
using testing::instance_of;

class AdmissionTest : public ::testing::Test {
 protected:
  AdmissionTest() {
    hello_ = testing::ScriptedChild("web-1", 'a', 1).hello().hello();
    holder_.name = "web-1";
    holder_.instance = instance_of('a');
    holder_.host = "old-host";
    holder_.boot = hello_.boot();
    holder_.attach = 100;
    holder_.session = 1;
  }
  Judgement judged(const Child* holder = nullptr) const {
    AdmissionContext context{self_, ancestors_, seconds{5}, depth_, children_, 10, stopping_, key_};
    return judge(hello_, holder, context);
  }
  void expect_refused(const std::string& reason, const std::vector<std::string>& parts,
                      const Child* holder = nullptr) const {
    const Judgement judgement = judged(holder);
    ASSERT_EQ(judgement.admission, Admission::refuse);
    EXPECT_EQ(judgement.refused.reason(), reason);
    EXPECT_GT(judgement.refused.retry_after_ms(), 0u);
    for (const auto& part : parts) EXPECT_THAT(judgement.refused.text(), HasSubstr(part));
    EXPECT_LT(judgement.refused.text().size(), 500u);
  }

  Identity self_ = testing::identity_of("relay", "dc1", 'f');
  std::vector<std::string> ancestors_{instance_of('e')};
  std::size_t depth_ = 1;
  std::size_t children_ = 3;
  bool stopping_ = false;
  const KeyHolder* key_ = nullptr;
  v1::Hello hello_;
  Child holder_;
};

TEST_F(AdmissionTest, AKeyBearsItsOwnNameOnly) {
  const KeyHolder own{"aaaa", "web-1", ""};
  key_ = &own;
  EXPECT_EQ(judged().admission, Admission::accept);
  const KeyHolder other{"bbbb", "web-2", ""};
  key_ = &other;
  expect_refused("key", {"bbbb", "web-2", "web-1"});
}

TEST_F(AdmissionTest, AKeyOfALeafIsNoneOfARelay) {
  const KeyHolder leaf{"aaaa", "web-1", "leaf"};
  key_ = &leaf;
  EXPECT_EQ(judged().admission, Admission::accept);
  hello_.set_role("relay");
  expect_refused("key", {"aaaa", "leaf", "relay"});
}

TEST_F(AdmissionTest, AGoodHelloIsAccepted) {
  EXPECT_EQ(judged().admission, Admission::accept);
  EXPECT_FALSE(judged().replaces_instance);
}

TEST_F(AdmissionTest, RefusesAProtocolRangeWithoutOurs) {
  hello_.set_protocol_min(2);
  hello_.set_protocol_max(3);
  expect_refused("version", {"2 to 3", "speaks 1"});
  hello_.set_protocol_min(0);
  hello_.set_protocol_max(0);
  expect_refused("version", {"0 to 0"});
}

TEST_F(AdmissionTest, RefusesAMalformedHello) {
  hello_.set_name("Not A Name");
  expect_refused("bad_hello", {"name"});
  hello_.set_name("web-1");
  hello_.set_instance("xyz");
  expect_refused("bad_hello", {"32 hex"});
  hello_.set_instance(instance_of('a'));
  hello_.set_role("root");
  expect_refused("bad_hello", {"role"});
}

TEST_F(AdmissionTest, RefusesOverlongTextBecauseItIsPassedOnUpward) {
  hello_.set_host(std::string(256, 'h'));
  expect_refused("bad_hello", {"host", "255"});
  hello_.set_host("h");
  hello_.set_version(std::string(256, 'v'));
  expect_refused("bad_hello", {"version", "255"});
}

TEST_F(AdmissionTest, RefusesWhileStopping) {
  stopping_ = true;
  expect_refused("stopping", {});
}

TEST_F(AdmissionTest, RefusesAnIntervalThatIsNotShorterThanTheTimeout) {
  hello_.set_beat_interval_ms(5000);
  expect_refused("interval", {"5000 ms", "web-1", "dc1"});
  hello_.set_beat_interval_ms(0);
  expect_refused("interval", {"0 ms"});
  hello_.set_beat_interval_ms(4999);
  EXPECT_EQ(judged().admission, Admission::accept);
}

TEST_F(AdmissionTest, RefusesItselfAndItsAncestors) {
  hello_.set_instance(instance_of('f'));
  expect_refused("loop", {"web-1"});
  hello_.set_instance(instance_of('e'));
  expect_refused("loop", {"web-1"});
}

TEST_F(AdmissionTest, RefusesATreeDeeperThanSixteen) {
  hello_.set_depth_below(14);
  EXPECT_EQ(judged().admission, Admission::accept);
  hello_.set_depth_below(15);
  expect_refused("too_deep", {"17", "16"});
  hello_.set_depth_below(~std::uint32_t{0});
  expect_refused("too_deep", {"16"});
}

TEST_F(AdmissionTest, RefusesANewNameWhenFullButNotAHeldOne) {
  children_ = 10;
  expect_refused("full", {"10 children", "at most 10"});
  hello_.set_attach(101);
  EXPECT_EQ(judged(&holder_).admission, Admission::accept);
}

TEST_F(AdmissionTest, IgnoresALateHelloOfTheSameBoot) {
  hello_.set_attach(100);
  EXPECT_EQ(judged(&holder_).admission, Admission::ignore);
  hello_.set_attach(99);
  EXPECT_EQ(judged(&holder_).admission, Admission::ignore);
  hello_.set_attach(101);
  EXPECT_EQ(judged(&holder_).admission, Admission::accept);
}

TEST_F(AdmissionTest, ARestartOfTheSameInstanceTakesOverWhateverItsAttach) {
  hello_.set_attach(1);
  hello_.mutable_boot()->set_random(999);
  EXPECT_EQ(judged(&holder_).admission, Admission::accept);
  EXPECT_FALSE(judged(&holder_).replaces_instance);
}

TEST_F(AdmissionTest, RefusesANameHeldByAnotherLivingInstance) {
  hello_.set_instance(instance_of('b'));
  expect_refused("duplicate_name", {"web-1", instance_of('a'), "old-host"}, &holder_);
}

TEST_F(AdmissionTest, ANameIsFreeForAnotherInstanceOnceItsHolderIsGone) {
  hello_.set_instance(instance_of('b'));
  holder_.session = 0;
  const Judgement judgement = judged(&holder_);
  EXPECT_EQ(judgement.admission, Admission::accept);
  EXPECT_TRUE(judgement.replaces_instance);
}

}  // namespace
}  // namespace banyan::tree
