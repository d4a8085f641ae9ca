#include "root/store_desk.h"

#include <gmock/gmock.h>

namespace banyan {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

view::EventRow row(const std::string& instance, std::size_t bytes = 10) {
  view::EventRow made;
  made.stream.instance = instance;
  made.event.text.assign(bytes, 'x');
  return made;
}

v1::EventAck ack(std::uint64_t upto) {
  v1::EventAck made;
  made.set_upto(upto);
  return made;
}

v1::Request request() {
  v1::Request made;
  made.set_ttl_ms(1'000);
  return made;
}

class Desk : public testing::Test {
 protected:
  Desk() { desk_.open(); }

  // One write of so many rows of somebody else; its ticket.
  std::uint64_t write(std::size_t rows, std::size_t bytes = 10) {
    auto writes = desk_.take(std::vector<view::EventRow>(rows, row("leaf", bytes)), {}, "me");
    return writes.at(0).ticket;
  }

  StoreDesk desk_;
};

TEST_F(Desk, AnAcknowledgementWaitsForItsRows) {
  desk_.hold(ack(1));
  const auto ticket = write(1);
  EXPECT_THAT(desk_.take_acks(), IsEmpty());
  desk_.hold(ack(2));
  const auto next = write(1);
  desk_.on_done(ticket);
  const auto ready = desk_.take_acks();
  ASSERT_THAT(ready, SizeIs(1));
  EXPECT_EQ(ready[0].upto(), 1u);
  desk_.on_done(next);
  EXPECT_THAT(desk_.take_acks(), SizeIs(1));
}

TEST_F(Desk, AnAcknowledgementWithoutRowsWaitsForWhatWasGivenBefore) {
  const auto ticket = write(1);
  desk_.hold(ack(1));  // a batch that came twice
  EXPECT_THAT(desk_.take({}, {}, "me"), IsEmpty());
  EXPECT_THAT(desk_.take_acks(), IsEmpty());
  desk_.on_done(ticket);
  EXPECT_THAT(desk_.take_acks(), SizeIs(1));
  desk_.hold(ack(1));
  EXPECT_THAT(desk_.take({}, {}, "me"), IsEmpty());
  EXPECT_THAT(desk_.take_acks(), SizeIs(1)) << "all of it is stored";
}

TEST_F(Desk, ARequestWaitsForItsAuditRow) {
  desk_.hold(request(), Time{});
  view::CommandRow command;
  command.audit = true;
  const auto ticket = desk_.take({}, {command}, "me").at(0).ticket;
  EXPECT_TRUE(desk_.waits());
  EXPECT_THAT(desk_.take_requests(Time{}), IsEmpty());
  desk_.on_done(ticket);
  EXPECT_THAT(desk_.take_requests(Time{}), SizeIs(1));
  EXPECT_FALSE(desk_.waits());
  EXPECT_EQ(desk_.counters().unaudited, 0u);
}

TEST_F(Desk, ARequestGoesDownThoughTheStoreFailsAndIsCounted) {
  desk_.hold(request(), Time{});
  desk_.hold(ack(1));
  const auto ticket = write(1);
  EXPECT_TRUE(desk_.on_failed(ticket));
  EXPECT_FALSE(desk_.on_failed(ticket)) << "said once";
  EXPECT_THAT(desk_.take_requests(Time{}), SizeIs(1));
  EXPECT_THAT(desk_.take_acks(), IsEmpty()) << "its origin keeps what is not stored";
  EXPECT_EQ(desk_.counters().unaudited, 1u);
  EXPECT_EQ(desk_.counters().failures, 2u);
  desk_.on_done(ticket);
  EXPECT_THAT(desk_.take_acks(), SizeIs(1));
  EXPECT_TRUE(desk_.on_failed(ticket + 1));
}

TEST_F(Desk, ARequestThatWaitedTooLongGoesNoFurther) {
  desk_.hold(request(), Time{});
  const auto first = write(1);
  desk_.hold(request(), Time{});
  const auto second = write(1);
  desk_.on_done(first);
  const auto ready = desk_.take_requests(Time{} + milliseconds{400});
  ASSERT_THAT(ready, SizeIs(1));
  EXPECT_EQ(ready[0].ttl_ms(), 600u);
  desk_.on_done(second);
  EXPECT_THAT(desk_.take_requests(Time{} + seconds{1}), IsEmpty());
  EXPECT_FALSE(desk_.waits());
}

TEST_F(Desk, BatchesAreLeftToTheirOriginsWhileThereIsTooMuch) {
  const auto ticket = write(StoreDesk::max_rows);
  EXPECT_FALSE(desk_.may_take());
  EXPECT_FALSE(desk_.take_rewind());
  EXPECT_EQ(desk_.counters().deferred, 1u);
  desk_.on_done(ticket);
  EXPECT_TRUE(desk_.may_take());
  EXPECT_TRUE(desk_.take_rewind());
  EXPECT_FALSE(desk_.take_rewind()) << "once";
}

TEST_F(Desk, BytesCountAsWell) {
  write(40, 1U << 20U);
  EXPECT_FALSE(desk_.may_take());
}

TEST_F(Desk, OwnEventsAreNotStoredWhileThereIsTooMuchAndAreCounted) {
  write(StoreDesk::max_rows);
  EXPECT_THAT(desk_.take({row("me")}, {}, "me"), IsEmpty());
  EXPECT_EQ(desk_.counters().dropped, 1u);
  EXPECT_THAT(desk_.take({row("me"), row("leaf")}, {}, "me").at(0).events, SizeIs(1));
}

TEST(StoreDesk, WithoutAStoreNothingWaits) {
  StoreDesk desk;
  desk.hold(ack(1));
  desk.hold(request(), Time{});
  EXPECT_THAT(desk.take({row("leaf")}, {}, "me"), IsEmpty());
  EXPECT_THAT(desk.take_acks(), SizeIs(1));
  EXPECT_THAT(desk.take_requests(Time{}), SizeIs(1));
  EXPECT_TRUE(desk.may_take());
}

}  // namespace
}  // namespace banyan
