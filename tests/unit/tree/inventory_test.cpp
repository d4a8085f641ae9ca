// Whoever lost its memory is told whom it knew.

#include "common/tree/inventory.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/unit/tree/link_pair.h"

namespace banyan::tree {
namespace {

using State = Liveness::State;
using testing::at;
using testing::in_turn;
using testing::instance_of;
using testing::Kind;
using testing::ParentSide;
using testing::Said;
using testing::ScriptedChild;

std::string link_to(char digit, v1::LinkState state, std::uint64_t attach = 1) {
  v1::LinkFact fact;
  fact.set_state(state);
  fact.set_instance(instance_of(digit));
  fact.set_attach(attach);
  fact.set_since_ms(1'699'999'000'000);
  fact.add_evidence("silent for 5 s");
  return fact_bytes(fact);
}

// A parent that holds the picture of a relay with a dead leaf and a living one.
class InventoryTest : public ::testing::Test {
 protected:
  InventoryTest() {
    relay_.role = "relay";
    Changes ignored;
    const auto set = [&](const FactKey& key, const std::string& bytes) {
      CHECK(parent_.mirror.set(key, relay_.instance, bytes, ignored));
    };
    set({"r", v1::FACT_KIND_NODE, ""}, node());
    set({"r", v1::FACT_KIND_LINK, "dead"}, link_to('d', v1::LINK_STATE_LOST));
    set({"r", v1::FACT_KIND_LINK, "alive"}, link_to('e', v1::LINK_STATE_UP));
    set({"r/dead", v1::FACT_KIND_TARGET, "api"}, testing::target_bytes(v1::TARGET_STATE_RUNNING));
  }
  static std::string node() {
    return fact_bytes(node_fact(testing::identity_of("relay", "r", 'a'), {}));
  }
  v1::Frame hello(bool blank, bool understands = true) {
    v1::Frame frame = relay_.hello(Digest{1, 2});
    frame.mutable_hello()->set_blank(blank);
    if (understands) frame.mutable_hello()->add_features(feature_inventory);
    return frame;
  }
  // A relay that has begun without a picture, and is told `part`.
  static Said tell(ParentSide& relay, const v1::Inventory& part, bool own = true) {
    return in_turn(at({}), [&](Turn& turn) { relay.downlink.on_inventory(part, own, turn); });
  }

  ParentSide parent_;
  ParentSide relay_side_;
  ScriptedChild relay_{"r", 'a', 1};
};

TEST_F(InventoryTest, WhoBeginsBlankIsToldBehindTheWelcome) {
  const auto frames = parent_.frame(1, hello(true), at({})).frames();
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_TRUE(frames[0].has_welcome());
  ASSERT_TRUE(frames[1].has_inventory());
  EXPECT_TRUE(frames[1].inventory().last());
  EXPECT_EQ(frames[1].sequence(), 2u);
}

TEST_F(InventoryTest, WhoHasItsPictureOrDoesNotUnderstandIsToldNothing) {
  EXPECT_TRUE(parent_.frame(1, hello(false), at({})).frames(Kind::kInventory).empty());
  relay_.attach++;
  EXPECT_TRUE(parent_.frame(2, hello(true, false), at({})).frames(Kind::kInventory).empty());
}

TEST_F(InventoryTest, ThoseBelowAreKnownAgainWithTheirFacts) {
  for (const auto& part : inventory_of(parent_.mirror, "r")) tell(relay_side_, part);
  ASSERT_NE(relay_side_.downlink.find("dead"), nullptr);
  EXPECT_EQ(relay_side_.state("dead"), State::lost);
  EXPECT_EQ(relay_side_.state("alive"), State::syncing);
  EXPECT_EQ(relay_side_.mirror.find("dead")->target_count(), 1u);
  EXPECT_EQ(relay_side_.mirror.find("dead")->link()->since_ms(), 1'699'999'000'000);
}

TEST_F(InventoryTest, OnlyWhoBeganBlankTakesIt) {
  for (const auto& part : inventory_of(parent_.mirror, "r")) tell(relay_side_, part, false);
  EXPECT_EQ(relay_side_.downlink.find("dead"), nullptr);
}

TEST_F(InventoryTest, AChildThatIsThereAlreadySpeaksForItself) {
  ScriptedChild alive("alive", 'e', 5);
  alive.join(relay_side_, at({}));
  const auto before = relay_side_.mirror.find_fact({"", v1::FACT_KIND_LINK, "alive"})->hash;
  for (const auto& part : inventory_of(parent_.mirror, "r")) tell(relay_side_, part);
  EXPECT_EQ(relay_side_.mirror.find_fact({"", v1::FACT_KIND_LINK, "alive"})->hash, before);
  EXPECT_TRUE(relay_side_.downlink.find("alive")->in_session());
}

TEST_F(InventoryTest, WhoStandsElsewhereIsLeftOut) {
  Changes ignored;
  ASSERT_TRUE(parent_.mirror.set({"", v1::FACT_KIND_LINK, "alive"}, instance_of('f'),
                                 link_to('e', v1::LINK_STATE_UP, 9), ignored));
  for (const auto& part : inventory_of(parent_.mirror, "r")) tell(relay_side_, part);
  EXPECT_EQ(relay_side_.downlink.find("alive"), nullptr);
  EXPECT_NE(relay_side_.downlink.find("dead"), nullptr);
}

TEST_F(InventoryTest, WhatIsAboutSomebodyFurtherDownGoesOn) {
  ScriptedChild below("r", 'a', 5);
  below.role = "relay";
  v1::Frame frame = below.hello();
  frame.mutable_hello()->add_features(feature_inventory);
  relay_side_.frame(5, frame, at({}));
  auto parts = inventory_of(parent_.mirror, "r");
  prefix_paths(parts.front(), "r");
  const auto sent = tell(relay_side_, parts.front(), false).frames(Kind::kInventory);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].inventory().nodes(0).path(), "");
}

TEST_F(InventoryTest, ALargeOneComesInPartsOfOneFrame) {
  Changes ignored;
  for (int i = 0; i < 2'000; ++i) {
    v1::LinkFact link;
    link.set_instance(fmt::format("{:032}", i));
    link.add_evidence("silent for 5 s");
    ASSERT_TRUE(parent_.mirror.set({"r", v1::FACT_KIND_LINK, "x" + std::to_string(i)},
                                   relay_.instance, fact_bytes(link), ignored));
  }
  const auto parts = inventory_of(parent_.mirror, "r");
  ASSERT_GT(parts.size(), 4u);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    EXPECT_LE(parts[i].ByteSizeLong(), max_update_bytes + 4'096);
    EXPECT_EQ(parts[i].last(), i + 1 == parts.size());
  }
}

}  // namespace
}  // namespace banyan::tree
