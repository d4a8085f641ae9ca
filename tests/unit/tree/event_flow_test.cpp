// Events of others at a relay: whose turn it is, and what is too much.

#include "common/tree/event_flow.h"

#include <gmock/gmock.h>

namespace banyan::tree {
namespace {

using ::testing::ElementsAre;

RisingEvents from(const std::string& child, std::size_t bytes) { return {{child, 7, bytes}, {}}; }

bool add(EventFlow& flow, const std::string& child, std::size_t bytes) {
  RisingEvents events = from(child, bytes);
  return flow.add(events);
}

std::vector<std::string> order(EventFlow& flow) {
  std::vector<std::string> children;
  while (const auto next = flow.take()) children.push_back(next->source.child);
  return children;
}

TEST(EventFlow, ALoudChildHoldsUpNobodyElse) {
  EventFlow flow;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(add(flow, "loud", 100));
  EXPECT_TRUE(add(flow, "quiet", 100));
  EXPECT_EQ(flow.bytes(), 400u);
  EXPECT_THAT(order(flow), ElementsAre("loud", "quiet", "loud", "loud"));
  EXPECT_EQ(flow.bytes(), 0u);
}

TEST(EventFlow, OneChildHasABoundOfItsOwn) {
  EventFlow flow;
  EXPECT_TRUE(add(flow, "loud", EventFlow::max_child));
  EXPECT_FALSE(add(flow, "loud", 1));
  EXPECT_TRUE(add(flow, "quiet", 1));
  EXPECT_EQ(flow.dropped(), 1u);
}

TEST(EventFlow, WhatWasDroppedIsToldOnceWhenHalfOfTheRoomIsFree) {
  EventFlow flow;
  const std::size_t children = EventFlow::max_bytes / EventFlow::max_child;
  for (std::size_t i = 0; i < children; ++i) {
    ASSERT_TRUE(add(flow, "c" + std::to_string(i), EventFlow::max_child));
  }
  EXPECT_FALSE(add(flow, "one-more", 1)) << "all together have a bound";
  EXPECT_EQ(flow.take_dropped(), 0u) << "there is no room yet";
  while (flow.bytes() > EventFlow::max_bytes / 2) ASSERT_TRUE(flow.take());
  EXPECT_EQ(flow.take_dropped(), 1u);
  EXPECT_EQ(flow.take_dropped(), 0u);
}

TEST(EventFlow, ClearedItHandsOutEverythingThatWaited) {
  EventFlow flow;
  add(flow, "a", 10);
  add(flow, "b", 20);
  EXPECT_EQ(flow.clear().size(), 2u);
  EXPECT_EQ(flow.bytes(), 0u);
  EXPECT_FALSE(flow.take());
}

}  // namespace
}  // namespace banyan::tree
