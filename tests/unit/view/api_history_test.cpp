// What an Api does with a store behind it.

#include <gmock/gmock.h>

#include "tests/unit/view/view_world.h"

namespace banyan::view {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

StoredEvent event(std::uint64_t seq, const std::string& path, const std::string& kind = "exited") {
  return {seq, 1'000, path, "abc", kind, std::to_string(seq), "{}"};
}

class HistoryOf : public testing::Test {
 protected:
  HistoryOf() {
    History history;
    history.last_seq = 100;
    asked_.api.resume(history, asked_.now);
  }

  void add(const std::string& kind) {
    asked_.api.add_event({kind, "dc1/web-1", kind}, asked_.now, asked_.effects);
  }
  void answer(std::vector<StoredEvent> events, bool end, const std::string& error = "") {
    const auto id = asked_.effects.history.at(0).id;
    asked_.effects = {};
    asked_.api.on_history({id, std::move(events), end, error}, asked_.effects);
  }
  std::vector<std::string> texts() {
    return strings(boost::json::parse(asked_.answer().body).at("items"), "text");
  }

  AskedApi asked_;
};

TEST_F(HistoryOf, AListGoesOnInTheStoreBehindWhatIsInMemory) {
  add("up");
  asked_.ask("GET", "/api/v1/events?kind=up,exited&after=7");
  EXPECT_EQ(asked_.answer().status, 0) << "not yet";
  ASSERT_THAT(asked_.effects.history, SizeIs(1));
  const auto& ask = asked_.effects.history[0];
  EXPECT_EQ(ask.below, 101u);
  EXPECT_EQ(ask.above, 7u);
  EXPECT_THAT(ask.kinds, ElementsAre("up", "exited"));
  answer({event(100, "dc1/web-1"), event(99, "dc1/web-1")}, true);
  EXPECT_THAT(texts(), ElementsAre("up", "100", "99"));
}

TEST_F(HistoryOf, TheStoreIsAskedAgainUntilThePageIsFull) {
  asked_.ask("GET", "/api/v1/events?limit=2&select=dc2/*");
  answer({event(100, "dc1/web-1"), event(99, "dc2/cache-1")}, false);
  ASSERT_THAT(asked_.effects.history, SizeIs(1));
  EXPECT_EQ(asked_.effects.history[0].below, 99u);
  answer({event(98, "dc2/cache-1"), event(97, "dc2/cache-1")}, false);
  EXPECT_THAT(texts(), ElementsAre("99", "98"));
  EXPECT_EQ(boost::json::parse(asked_.answer().body).at("continue").as_string(), "98");
  asked_.ask("GET", "/api/v1/events?limit=2&continue=98");
  EXPECT_EQ(asked_.effects.history.at(0).below, 98u);
}

TEST_F(HistoryOf, MemoryAloneAnswersWhatItHolds) {
  add("up");
  add("lost");
  EXPECT_THAT(strings(asked_.json("/api/v1/events?limit=1").at("items"), "text"),
              ElementsAre("lost"));
  EXPECT_THAT(strings(asked_.json("/api/v1/events?after=100").at("items"), "text"),
              ElementsAre("lost", "up"));
}

TEST_F(HistoryOf, AStoreThatCannotBeReadIsSaid) {
  asked_.ask("GET", "/api/v1/events");
  answer({}, true, "disk I/O error");
  EXPECT_EQ(asked_.answer().status, 500);
  EXPECT_THAT(asked_.answer().body, ::testing::HasSubstr("disk I/O error"));
}

TEST_F(HistoryOf, AClientThatWentIsNotAnswered) {
  const auto exchange = asked_.ask("GET", "/api/v1/events");
  const auto id = asked_.effects.history.at(0).id;
  asked_.close(exchange);
  asked_.api.on_history({id, {}, true, ""}, asked_.effects);
  EXPECT_EQ(asked_.answer().status, 0);
}

TEST_F(HistoryOf, ReadsAreBounded) {
  for (std::size_t i = 0; i < Api::max_reads; ++i) asked_.ask("GET", "/api/v1/events");
  EXPECT_EQ(asked_.get("/api/v1/events").status, 503);
}

TEST_F(HistoryOf, EveryEventIsARowOnceWithItsPlaceInItsStream) {
  add("up");
  add("lost");
  const auto rows = asked_.api.take_rows();
  ASSERT_THAT(rows, SizeIs(2));
  EXPECT_EQ(rows[1].event.seq, 102u);
  EXPECT_EQ(rows[1].number, 2u);
  EXPECT_EQ(rows[1].stream.instance, "0123");
  EXPECT_THAT(asked_.api.take_rows(), IsEmpty());
}

TEST_F(HistoryOf, ACommandIsStoredBeforeItIsSentAndWhenItIsFinished) {
  asked_.ask("POST", "/api/v1/commands", R"({"verb":"stop","select":"db"})");
  ASSERT_THAT(asked_.effects.commands, SizeIs(1));
  EXPECT_TRUE(asked_.effects.commands[0].audit);
  const auto request = asked_.effects.requests.at(0);
  asked_.pass(seconds{40});
  ASSERT_THAT(asked_.effects.commands, SizeIs(1));
  EXPECT_FALSE(asked_.effects.commands[0].audit);
  v1::Outcomes late;
  late.set_id(request.command().id());
  late.add_outcomes()->set_path("dc1/web-1");
  late.mutable_outcomes(0)->set_target("db");
  late.mutable_outcomes(0)->set_kind(v1::OUTCOME_KIND_DONE);
  asked_.effects = {};
  asked_.api.on_outcomes(late, asked_.now, asked_.effects);
  EXPECT_THAT(asked_.effects.commands, SizeIs(1)) << "an outcome that became known late";
}

TEST_F(HistoryOf, WhatARolloutHasHeardIsStoredWithItsNextBatch) {
  asked_.ask("POST", "/api/v1/commands", R"({"verb":"stop","select":"**","max_parallel":4})");
  const auto batch = asked_.effects.requests.at(0);
  v1::Outcomes told;
  told.set_id(batch.command().id());
  for (const auto& target : batch.targets()) {
    auto& outcome = *told.add_outcomes();
    outcome.set_path(target.path());
    outcome.set_target(target.target());
    outcome.set_kind(v1::OUTCOME_KIND_DONE);
  }
  asked_.api.on_outcomes(told, asked_.now, asked_.effects);
  asked_.pass(seconds{1});
  ASSERT_THAT(asked_.effects.requests, SizeIs(1));
  ASSERT_THAT(asked_.effects.commands, SizeIs(1));
  const auto& row = asked_.effects.commands[0];
  AskedApi next;
  History history;
  history.commands = {row.record};
  next.api.resume(history, next.now);
  const auto known = next.json("/api/v1/commands/" + row.id);
  EXPECT_EQ(known.at("counts").at("done").as_int64(), 4);
  EXPECT_EQ(known.at("state").as_string(), "running");
}

TEST_F(HistoryOf, AnotherRunKnowsTheCommandAndItsDeadline) {
  asked_.ask("POST", "/api/v1/commands", R"({"verb":"stop","select":"db","ttl_ms":5000})");
  const auto row = asked_.effects.commands.at(0);
  const auto told = asked_.json("/api/v1/commands/" + row.id);
  AskedApi next;
  History history;
  history.commands = {row.record, "not a command"};
  next.now.wall = asked_.now.wall + seconds{2};
  next.api.resume(history, next.now);
  const auto known = next.json("/api/v1/commands/" + row.id);
  EXPECT_EQ(known.at("created"), told.at("created"));
  EXPECT_EQ(known.at("state").as_string(), "running");
  EXPECT_TRUE(known.at("results").at(0).at("in_doubt").as_bool()) << "was it sent? nobody knows";
  next.pass(milliseconds{3'999});
  EXPECT_EQ(next.json("/api/v1/commands/" + row.id).at("state").as_string(), "running");
  next.pass(milliseconds{1});
  EXPECT_EQ(next.json("/api/v1/commands/" + row.id).at("counts").at("unknown").as_int64(), 1);
  next.ask("POST", "/api/v1/commands", R"({"id":")" + row.id + R"(","verb":"stop","select":"db"})");
  EXPECT_THAT(next.effects.requests, IsEmpty()) << "the same id acts once";
}

}  // namespace
}  // namespace banyan::view
