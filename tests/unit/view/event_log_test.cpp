#include "common/view/event_log.h"

#include <gmock/gmock.h>

namespace banyan::view {
namespace {

using ::testing::HasSubstr;

constexpr WallTime wall{milliseconds{1'000}};

v1::EventBatch batch(std::uint64_t first, int count, std::uint64_t oldest = 1,
                     std::uint64_t boot = 1) {
  v1::EventBatch told;
  told.set_path("dc1/web-1");
  told.set_instance("abc");
  told.mutable_boot()->set_random(boot);
  told.set_first(first);
  told.set_oldest(oldest);
  for (int i = 0; i < count; ++i) {
    auto& event = *told.add_events();
    event.set_time_ms(5);
    event.set_kind("exited");
    event.set_subject("api");
    event.set_text(std::to_string(first + static_cast<std::uint64_t>(i)));
    event.set_data(R"({"code":1})");
  }
  return told;
}

std::vector<std::string> texts(const EventLog& log) {
  std::vector<std::string> list;
  for (const auto& event : log.events()) list.push_back(event.text);
  return list;
}

TEST(EventLog, NumbersEventsInTheOrderOfArrival) {
  EventLog log("me");
  EXPECT_EQ(log.accept(batch(1, 2), wall).upto(), 2u);
  log.add({"up", "dc1", "dc1 is up"}, wall);
  ASSERT_EQ(log.events().size(), 3u);
  EXPECT_EQ(log.events()[2].seq, 3u);
  EXPECT_EQ(log.events()[2].node_id, "me");
  EXPECT_EQ(log.events()[0].path, "dc1/web-1/api");
}

TEST(EventLog, IgnoresAndAcknowledgesAgainWhatIsStored) {
  EventLog log;
  log.accept(batch(1, 3), wall);
  const auto ack = log.accept(batch(2, 3), wall);
  EXPECT_EQ(ack.upto(), 4u);
  EXPECT_FALSE(ack.nack());
  EXPECT_EQ(log.accept(batch(1, 1), wall).upto(), 4u);
  EXPECT_THAT(texts(log), ::testing::ElementsAre("1", "2", "3", "4"));
}

TEST(EventLog, RefusesABatchThatDoesNotFollow) {
  EventLog log;
  log.accept(batch(1, 1), wall);
  const auto ack = log.accept(batch(3, 1), wall);
  EXPECT_TRUE(ack.nack());
  EXPECT_EQ(ack.upto(), 1u);
  EXPECT_EQ(log.events().size(), 1u);
}

TEST(EventLog, RecordsAGapOfWhatTheOriginNoLongerHolds) {
  EventLog log;
  log.accept(batch(1, 1), wall);
  const auto ack = log.accept(batch(5, 1, 5), wall);
  EXPECT_FALSE(ack.nack());
  EXPECT_EQ(ack.upto(), 5u);
  ASSERT_EQ(log.events().size(), 3u);
  EXPECT_EQ(log.events()[1].kind, "gap");
  EXPECT_THAT(log.events()[1].data, HasSubstr(R"("from":2,"to":4,"count":3)"));
}

TEST(EventLog, AfterAGapTheOldestHeldIsAskedFor) {
  EventLog log;
  const auto ack = log.accept(batch(7, 1, 4), wall);
  EXPECT_TRUE(ack.nack());
  EXPECT_EQ(ack.upto(), 3u);
  EXPECT_EQ(log.accept(batch(4, 4, 4), wall).upto(), 7u);
}

TEST(EventLog, AnotherBootIsAnotherStream) {
  EventLog log;
  log.accept(batch(1, 2), wall);
  EXPECT_EQ(log.accept(batch(1, 2, 1, 2), wall).upto(), 2u);
  EXPECT_EQ(log.events().size(), 4u);
}

TEST(EventLog, KnowsWhatAnEarlierRunStored) {
  History history;
  history.last_seq = 50;
  history.streams = {{{"abc", 0, 1}, 3}};
  EventLog log("me");
  log.resume(history, {"me", 7, 8});
  EXPECT_EQ(log.accept(batch(1, 5), wall).upto(), 5u);
  EXPECT_THAT(texts(log), ::testing::ElementsAre("4", "5"));
  EXPECT_EQ(log.events()[0].seq, 51u);
  const auto rows = log.take_rows();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[1].number, 5u);
  EXPECT_EQ(rows[1].upto, 5u);
  EXPECT_EQ(rows[1].stream, (StreamId{"abc", 0, 1}));
}

TEST(EventLog, AGapIsARowInThePlaceOfWhatIsMissing) {
  EventLog log("me");
  log.resume({}, {"me", 7, 8});
  log.accept(batch(5, 1, 5), wall);
  const auto rows = log.take_rows();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].number, 1u);
  EXPECT_EQ(rows[0].upto, 4u);
  EXPECT_EQ(rows[1].number, 5u);
}

TEST(EventLog, WhatMayBeOnItsWayToAStoreIsKeptBesides) {
  EventLog log("", {3, 1U << 20U, 10});
  log.keep_unstored(2, 0);
  log.accept(batch(1, 5), wall);
  EXPECT_EQ(log.dropped(), 0u);
  log.accept(batch(6, 1), wall);
  EXPECT_EQ(log.dropped(), 1u);
}

TEST(EventLog, OldestEventsGiveWayAndAreCounted) {
  EventLog log("", {3, 1U << 20U, 10});
  log.accept(batch(1, 5), wall);
  EXPECT_EQ(log.dropped(), 2u);
  EXPECT_THAT(texts(log), ::testing::ElementsAre("3", "4", "5"));
}

TEST(EventLog, ForgetsTheStreamThatWasIdleLongest) {
  EventLog log("", {100, 1U << 20U, 2});
  log.accept(batch(1, 1, 1, 1), wall);
  log.accept(batch(1, 1, 1, 2), wall);
  log.accept(batch(2, 1, 1, 1), wall);
  log.accept(batch(1, 1, 1, 3), wall);  // stream 2 goes
  EXPECT_EQ(log.accept(batch(2, 1, 1, 1), wall).upto(), 2u);
  EXPECT_EQ(log.events().size(), 4u);
  EXPECT_TRUE(log.accept(batch(2, 1, 1, 2), wall).nack());
}

TEST(EventLog, DataIsAlwaysAJsonObject) {
  EventLog log;
  log.add({"odd", "", "", "not json"}, wall);
  log.add({"list", "", "", "[1]"}, wall);
  log.add({"none", "", "", ""}, wall);
  EXPECT_EQ(log.events()[0].data, R"({"raw":"not json"})");
  EXPECT_EQ(log.events()[1].data, R"({"raw":"[1]"})");
  EXPECT_EQ(event_json(log.events()[2]),
            R"({"seq":3,"time":"1970-01-01T00:00:01.000Z","path":"/","node_id":"","kind":"none",)"
            R"("text":"","data":{}})");
}

TEST(EventLog, SurvivesNonsenseNumbers) {
  EventLog log;
  EXPECT_FALSE(log.accept(batch(0, 2), wall).nack());
  log.accept(batch(UINT64_MAX, 2, UINT64_MAX), wall);
  auto odd = batch(1, 1, 1, 9);
  odd.mutable_events(0)->set_time_ms(INT64_MIN);
  log.accept(odd, wall);
  EXPECT_THAT(event_json(log.events().back()), HasSubstr("1970"));
}

}  // namespace
}  // namespace banyan::view
