// A child that is bound to its name by a key speaks of nothing else, and what it tries is told.

#include <gtest/gtest.h>

#include "tests/unit/tree/link_pair.h"

namespace banyan::tree {
namespace {

using namespace testing;

class DownlinkKeysTest : public ::testing::Test {
 protected:
  DownlinkKeysTest() {
    dc1_.role = dc2_.role = "relay";
    parent_.keys[1] = std::make_shared<const KeyHolder>(KeyHolder{"aaaa", "dc1", ""});
    parent_.keys[2] = std::make_shared<const KeyHolder>(KeyHolder{"bbbb", "dc2", ""});
    dc1_.join(parent_, at(seconds{0}));
    dc2_.join(parent_, at(seconds{0}));
    v1::LinkFact link;
    link.set_state(v1::LINK_STATE_UP);
    link.set_instance(instance_of('9'));
    Changes changes;
    EXPECT_TRUE(parent_.mirror.set({"dc2", v1::FACT_KIND_LINK, "web-3"}, instance_of('2'),
                                   fact_bytes(link), changes));
  }
  static v1::Frame events(const std::string& path, char instance) {
    v1::Frame frame;
    v1::EventBatch& batch = *frame.mutable_event_batch();
    batch.set_path(path);
    batch.set_instance(instance_of(instance));
    batch.set_first(1);
    batch.add_events()->set_kind("exited");
    return frame;
  }
  static std::vector<OwnEvent> told(const Said& said, const std::string& kind) {
    auto list = said.of_children<OwnEvent>();
    std::erase_if(list, [&](const OwnEvent& event) { return event.kind != kind; });
    return list;
  }

  ParentSide parent_;
  ScriptedChild dc1_{"dc1", '1', 1};
  ScriptedChild dc2_{"dc2", '2', 2};
};

TEST_F(DownlinkKeysTest, EventsOfARunInAnotherBranchAreDroppedAndTold) {
  const Said said = dc1_.say(parent_, events("web-3", '9'), at(seconds{1}));
  EXPECT_TRUE(said.of_children<FromChild>().empty());
  const auto told = DownlinkKeysTest::told(said, "foreign_events");
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].subject, "dc1");
  EXPECT_NE(told[0].text.find("dc2/web-3"), std::string::npos);
  EXPECT_NE(told[0].text.find("(key aaaa)"), std::string::npos);
  EXPECT_TRUE(parent_.downlink.find("dc1")->in_session()) << "it may have moved there just now";
}

TEST_F(DownlinkKeysTest, EventsFromBelowTheirOwnBranchAndOfTheUnknownPass) {
  EXPECT_EQ(dc2_.say(parent_, events("web-3", '9'), at(seconds{1})).of_children<FromChild>().size(),
            1U);
  EXPECT_EQ(dc1_.say(parent_, events("web-7", '7'), at(seconds{1})).of_children<FromChild>().size(),
            1U);
  EXPECT_EQ(dc1_.say(parent_, events("", '1'), at(seconds{1})).of_children<FromChild>().size(), 1U);
}

TEST_F(DownlinkKeysTest, WithoutKeysNobodyIsBoundToABranch) {
  ParentSide open;
  ScriptedChild dc1("dc1", '1', 1);
  dc1.role = "relay";
  dc1.join(open, at(seconds{0}));
  v1::LinkFact link;
  link.set_instance(instance_of('9'));
  Changes changes;
  ASSERT_TRUE(open.mirror.set({"dc2", v1::FACT_KIND_LINK, "web-3"}, instance_of('2'),
                              fact_bytes(link), changes));
  const Said said = dc1.say(open, events("web-3", '9'), at(seconds{1}));
  EXPECT_EQ(said.of_children<FromChild>().size(), 1U);
}

TEST_F(DownlinkKeysTest, FactsBesideItsBranchEndTheSessionAndAreTold) {
  for (const char* path : {"../dc2/web-3", "/dc2", "a//b", ".."}) {
    v1::Frame frame;
    frame.mutable_update()->set_number(1);
    frame.mutable_update()->add_nodes()->set_path(path);
    const auto before = parent_.mirror.revision();
    const Said said = dc1_.say(parent_, frame, at(seconds{1}));
    EXPECT_EQ(told(said, "protocol_error").size(), 1U) << path;
    EXPECT_FALSE(parent_.downlink.find("dc1")->in_session()) << path;
    EXPECT_NE(parent_.mirror.find("dc2/web-3"), nullptr);
    EXPECT_GE(parent_.mirror.revision(), before);
    ++dc1_.attach;
    dc1_.join(parent_, at(seconds{1}));
  }
}

TEST_F(DownlinkKeysTest, AFloodOfThemIsCountedAndNotTold) {
  std::size_t said = 0;
  for (int i = 0; i < 100; ++i) {
    said += told(dc1_.say(parent_, events("web-3", '9'), at(seconds{1})), "foreign_events").size();
  }
  EXPECT_EQ(said, RefusalMeter::burst);
}

}  // namespace
}  // namespace banyan::tree
