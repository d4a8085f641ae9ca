// Events of one run: window, acknowledgement, rewind, overflow.

#include "common/tree/event_spool.h"

#include <gtest/gtest.h>

#include "tests/unit/tree/link_pair.h"

namespace banyan::tree {
namespace {

class EventSpoolTest : public ::testing::Test {
 protected:
  EventSpoolTest() { boot_.set_random(7); }

  void add(std::size_t size = 10) {
    v1::Event event;
    event.set_kind("exited");
    event.set_text(std::string(size, 'x'));
    spool_.add(event);
  }
  v1::EventAck ack(std::uint64_t upto, bool nack = false) const {
    v1::EventAck ack;
    ack.set_instance("i");
    *ack.mutable_boot() = boot_;
    ack.set_upto(upto);
    ack.set_nack(nack);
    return ack;
  }
  // Takes all the window allows; the numbers must follow each other.
  std::uint64_t take_all() {
    std::uint64_t last = 0;
    while (auto batch = spool_.take()) {
      EXPECT_TRUE(last == 0 || batch->first() == last + 1);
      last = batch->first() + static_cast<std::uint64_t>(batch->events_size()) - 1;
    }
    return last;
  }
  static v1::Boot boot() {
    v1::Boot boot;
    boot.set_random(7);
    return boot;
  }

  v1::Boot boot_;
  EventSpool spool_{"i", boot()};
};

TEST_F(EventSpoolTest, NumbersFromOneAndNamesItsStream) {
  EXPECT_FALSE(spool_.take());
  add();
  add();
  const auto batch = spool_.take();
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->first(), 1u);
  EXPECT_EQ(batch->oldest(), 1u);
  EXPECT_EQ(batch->events_size(), 2);
  EXPECT_EQ(batch->instance(), "i");
  EXPECT_EQ(batch->boot().random(), 7u);
  EXPECT_FALSE(spool_.take()) << "sent once";
}

TEST_F(EventSpoolTest, WhatMakesNoProgressIsSentAgainAfterTenSecondsThenTwenty) {
  using testing::at;
  add();
  spool_.watch(at({}).time);
  EXPECT_EQ(spool_.next_deadline(), never) << "nothing is on its way";
  take_all();
  spool_.watch(at({}).time);
  EXPECT_EQ(spool_.next_deadline(), at(seconds{10}).time);
  spool_.watch(at(seconds{9}).time);
  EXPECT_FALSE(spool_.take());
  spool_.watch(at(seconds{10}).time);
  EXPECT_EQ(take_all(), 1u);
  spool_.watch(at(seconds{10}).time);
  EXPECT_EQ(spool_.next_deadline(), at(seconds{30}).time);
  spool_.on_ack(ack(1));
  spool_.watch(at(seconds{11}).time);
  EXPECT_EQ(spool_.next_deadline(), never);
}

TEST_F(EventSpoolTest, ProgressIsPatienceAnew) {
  using testing::at;
  add();
  add();
  take_all();
  spool_.watch(at({}).time);
  spool_.on_ack(ack(1));
  spool_.watch(at(seconds{8}).time);
  EXPECT_EQ(spool_.next_deadline(), at(seconds{18}).time);
}

TEST_F(EventSpoolTest, StopsAtItsWindowAndGoesOnWithTheAck) {
  for (int i = 0; i < 200; ++i) add(1000);
  const std::uint64_t first_window = take_all();
  EXPECT_GE(first_window, 60u);
  EXPECT_LE(first_window, 85u);
  EXPECT_FALSE(spool_.take());
  spool_.on_ack(ack(first_window));
  const auto next = spool_.take();
  ASSERT_TRUE(next);
  EXPECT_EQ(next->first(), first_window + 1);
  EXPECT_EQ(next->oldest(), first_window + 1);
}

TEST_F(EventSpoolTest, ARewindSendsAgainFromTheFirstUnacknowledged) {
  for (int i = 0; i < 5; ++i) add();
  take_all();
  spool_.on_ack(ack(2));
  EXPECT_FALSE(spool_.take());
  spool_.rewind();
  const auto batch = spool_.take();
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->first(), 3u);
  EXPECT_EQ(batch->acked(), 2u);
  EXPECT_EQ(batch->events_size(), 3);
}

TEST_F(EventSpoolTest, ANackSendsAgainFromWhatIsStored) {
  for (int i = 0; i < 5; ++i) add();
  take_all();
  spool_.on_ack(ack(1, true));
  EXPECT_EQ(spool_.take()->first(), 2u);
}

TEST_F(EventSpoolTest, AcksOnlyForwardAndOnlyOfItsOwnStream) {
  for (int i = 0; i < 5; ++i) add();
  take_all();
  spool_.on_ack(ack(4));
  spool_.on_ack(ack(2));
  EXPECT_EQ(spool_.acked(), 4u);
  spool_.on_ack(ack(6));
  EXPECT_EQ(spool_.acked(), 4u) << "nobody can have stored what was never sent";
  v1::EventAck other = ack(5);
  other.set_instance("j");
  spool_.on_ack(other);
  other = ack(5);
  other.mutable_boot()->set_random(8);
  spool_.on_ack(other);
  other = ack(5);
  other.mutable_boot()->set_start_ms(1);
  spool_.on_ack(other);
  EXPECT_EQ(spool_.acked(), 4u);
}

TEST_F(EventSpoolTest, OverflowKeepsTheNewestAndSaysTheOldestHeld) {
  for (std::size_t i = 0; i < EventSpool::max_events + 100; ++i) add();
  EXPECT_EQ(spool_.dropped(), 100u);
  EXPECT_EQ(spool_.last(), EventSpool::max_events + 100);
  const auto batch = spool_.take();
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->first(), 101u);
  EXPECT_EQ(batch->oldest(), 101u);
}

TEST_F(EventSpoolTest, OverflowByBytesTooEvenInFlight) {
  add(1000);
  take_all();
  for (int i = 0; i < 2000; ++i) add(1000);
  EXPECT_GT(spool_.dropped(), 900u);
  const auto batch = spool_.take();
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->first(), spool_.dropped() + 1);
  EXPECT_EQ(batch->oldest(), batch->first());
  spool_.on_ack(ack(spool_.last()));
  EXPECT_FALSE(spool_.take());
  add();
  EXPECT_EQ(spool_.take()->first(), spool_.last());
}

TEST_F(EventSpoolTest, EveryBatchMayBeReceived) {
  for (int i = 0; i < 5000; ++i) spool_.add(v1::Event{});
  v1::Event huge;
  huge.set_text(std::string(300'000, 'x'));
  huge.set_data(std::string(300'000, 'y'));
  spool_.add(huge);
  std::uint64_t taken = 0;
  while (auto batch = spool_.take()) {
    v1::Frame frame;
    *frame.mutable_event_batch() = *batch;
    ASSERT_TRUE(decode(encode(frame)));
    taken = batch->first() + static_cast<std::uint64_t>(batch->events_size()) - 1;
    spool_.on_ack(ack(taken));
  }
  EXPECT_EQ(taken, 5001u) << "the oversized one is cut, not lost";
}

TEST_F(EventSpoolTest, GoesOnInItsStreamInTheNextProgramOfTheProcess) {
  for (int i = 0; i < 5; ++i) add();
  take_all();
  spool_.on_ack(ack(2));
  v1::Boot other;
  other.set_random(8);
  EventSpool next("i", other);
  next.resume(spool_.held());
  v1::Event event;
  event.set_kind("upgraded");
  next.add(event);
  const auto batch = next.take();
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->first(), 3U) << "what was not acknowledged is sent again";
  EXPECT_EQ(batch->oldest(), 3U);
  EXPECT_EQ(batch->acked(), 2U);
  EXPECT_EQ(batch->events_size(), 4);
  EXPECT_EQ(batch->events(3).kind(), "upgraded");
  EXPECT_EQ(batch->boot().random(), 7U) << "the stream's, not that of the new program";
  next.on_ack(ack(6));
  EXPECT_EQ(next.acked(), 6U);
}

TEST_F(EventSpoolTest, AHandoverThatCannotBeIsAFreshStart) {
  v1::HeldEvents held;
  held.set_last(1);
  held.set_acked(2);
  spool_.resume(held);
  EXPECT_EQ(spool_.last(), 0U);
  EXPECT_FALSE(spool_.take());
}

}  // namespace
}  // namespace banyan::tree
