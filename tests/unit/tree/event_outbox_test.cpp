#include "common/tree/event_outbox.h"

#include <gmock/gmock.h>

namespace banyan::tree {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

v1::Boot boot(std::uint64_t random) {
  v1::Boot made;
  made.set_random(random);
  return made;
}

v1::HeldEvents left(std::uint64_t random, std::uint64_t acked, int held) {
  v1::HeldEvents made;
  *made.mutable_boot() = boot(random);
  made.set_acked(acked);
  made.set_last(acked + static_cast<std::uint64_t>(held));
  for (int i = 0; i < held; ++i) made.add_events()->set_text("old");
  return made;
}

v1::EventAck ack(std::uint64_t random, std::uint64_t upto) {
  v1::EventAck made;
  made.set_instance("i");
  *made.mutable_boot() = boot(random);
  made.set_upto(upto);
  return made;
}

v1::Event event(const std::string& text) {
  v1::Event made;
  made.set_text(text);
  return made;
}

class Outbox : public testing::Test {
 protected:
  std::uint64_t next_stream() {
    const auto batch = box_.take();
    return batch ? batch->boot().random() : 0;
  }

  EventOutbox box_{"i", boot(9)};
};

TEST_F(Outbox, EarlierStreamsGoFirstOneAfterTheOther) {
  box_.inherit({left(1, 0, 2), left(2, 3, 1)});
  box_.add(event("new"));
  const auto first = box_.take();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->boot().random(), 1u);
  EXPECT_EQ(first->first(), 1u);
  EXPECT_FALSE(box_.take()) << "the next stream waits until this one is stored";
  box_.on_ack(ack(1, 2));
  const auto second = box_.take();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->boot().random(), 2u);
  EXPECT_EQ(second->first(), 4u);
  EXPECT_EQ(second->acked(), 3u);
  box_.on_ack(ack(2, 4));
  EXPECT_EQ(next_stream(), 9u);
  EXPECT_EQ(box_.earlier(), 0u);
}

TEST_F(Outbox, WhatIsAddedAndStoredIsToldToTheDisk) {
  box_.inherit({left(1, 0, 1)});
  box_.add(event("new"));
  auto effects = box_.take_effects();
  ASSERT_THAT(effects.added, SizeIs(1));
  EXPECT_TRUE(box_.take_effects().empty());
  box_.take();
  box_.on_ack(ack(1, 1));
  effects = box_.take_effects();
  ASSERT_THAT(effects.drained, SizeIs(1));
  EXPECT_EQ(effects.drained[0].random(), 1u);
  box_.take();
  box_.on_ack(ack(9, 1));
  effects = box_.take_effects();
  ASSERT_THAT(effects.acked, SizeIs(1));
  EXPECT_THAT(effects.drained, IsEmpty()) << "the present stream goes on";
  box_.on_ack(ack(9, 1));
  EXPECT_TRUE(box_.take_effects().empty()) << "nothing new";
}

TEST_F(Outbox, AStreamThatIsStoredAlreadyIsDrainedAtOnce) {
  box_.inherit({left(1, 5, 0)});
  EXPECT_THAT(box_.take_effects().drained, SizeIs(1));
}

TEST_F(Outbox, ARootMayHaveMoreOfAnEarlierRunThanAPowerCutLeft) {
  box_.inherit({left(1, 0, 2)});
  box_.add(event("new"));
  ASSERT_EQ(next_stream(), 1u);
  box_.on_ack(ack(1, 5));
  EXPECT_THAT(box_.take_effects().drained, SizeIs(1));
  EXPECT_EQ(next_stream(), 9u);
}

TEST_F(Outbox, AnEarlierStreamThatMakesNoProgressIsSentAgain) {
  box_.inherit({left(1, 0, 2)});
  box_.watch(Time{});
  ASSERT_EQ(next_stream(), 1u);
  box_.watch(Time{});
  EXPECT_EQ(box_.next_deadline(), Time{} + EventSpool::first_patience);
  EXPECT_EQ(next_stream(), 0u);
  box_.watch(box_.next_deadline());
  EXPECT_EQ(next_stream(), 1u);
}

TEST_F(Outbox, ARewindSendsTheEarlierStreamAgain) {
  box_.inherit({left(1, 0, 2)});
  EXPECT_EQ(next_stream(), 1u);
  EXPECT_EQ(next_stream(), 0u);
  box_.rewind();
  EXPECT_EQ(next_stream(), 1u);
}

TEST_F(Outbox, AnEventGoesToTheDiskAsItIsSent) {
  box_.add(event(std::string(EventSpool::max_event_bytes + 1, 'x')));
  const auto effects = box_.take_effects();
  EXPECT_EQ(effects.added.at(0).text(), box_.take()->events(0).text());
}

}  // namespace
}  // namespace banyan::tree
