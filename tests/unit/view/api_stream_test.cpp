#include <gmock/gmock.h>

#include "tests/unit/view/view_world.h"

namespace banyan::view {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* retry = "retry: 1000\n\n";

class StreamWorld : public AskedApi {
 public:
  using AskedApi::AskedApi;

  std::string subscribe(const std::string& query, const std::string& last_id = "") {
    tree::HttpHeaders headers;
    if (!last_id.empty()) headers.emplace_back("last-event-id", last_id);
    exchange = ask("GET", "/api/v1/stream?" + query, "", std::move(headers));
    return streamed(exchange);
  }
  std::string out() const { return streamed(exchange); }
  void event(const std::string& path, const std::string& kind) {
    effects = {};
    api.add_event({kind, path, "text"}, now, effects);
  }

  tree::ExchangeId exchange = 0;
};

int count(const std::string& text, const std::string& part) {
  int found = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

std::string last_id(const std::string& text) {
  const auto at = text.rfind("id: ");
  return text.substr(at + 4, text.find('\n', at) - at - 4);
}

TEST(ApiStream, BeginsWithWhatChangesFromNowOn) {
  StreamWorld world;
  EXPECT_EQ(world.subscribe("topics=events,targets,nodes,outages,state"), retry);
}

TEST(ApiStream, EventReachesSubscribersInTheSameTurn) {
  StreamWorld world;
  world.subscribe("topics=events");
  world.effects = {};
  v1::EventBatch batch;
  batch.set_path("dc1/web-1");
  batch.set_instance("x");
  batch.set_first(1);
  batch.set_oldest(1);
  auto& event = *batch.add_events();
  event.set_kind("exited");
  event.set_subject("api");
  event.set_data(R"({"code":null,"signal":"KILL"})");
  const auto ack = world.api.on_events(batch, world.now, world.effects);
  EXPECT_EQ(ack.upto(), 1u);
  EXPECT_THAT(world.out(), HasSubstr("event: events\nid: "));
  EXPECT_THAT(world.out(), HasSubstr(R"("path":"dc1/web-1/api")"));
  EXPECT_THAT(world.out(), HasSubstr(R"("signal":"KILL")"));
  world.effects = {};
  world.api.on_events(batch, world.now, world.effects);
  EXPECT_EQ(world.out(), "") << "told once";
}

TEST(ApiStream, ChangedTargetIsToldAtOnce) {
  StreamWorld world;
  world.subscribe("topics=targets");
  ToldTarget told;
  told.state = v1::TARGET_STATE_BACKING_OFF;
  world.tree.target("dc1/web-1/api", told);
  world.tell();
  EXPECT_THAT(world.out(), HasSubstr("event: targets\n"));
  EXPECT_THAT(world.out(), HasSubstr(R"("state":"backing_off")"));
  world.tree.remove_target("dc1/web-1/api");
  world.tell();
  EXPECT_THAT(world.out(), HasSubstr(R"({"path":"dc1/web-1/api","removed":true})"));
}

TEST(ApiStream, BreakTellsEverythingBehindIt) {
  StreamWorld world;
  world.subscribe("topics=targets,nodes");
  world.tree.link("dc1", v1::LINK_STATE_SUSPECT);
  world.tell();
  EXPECT_EQ(count(world.out(), "event: "), 1);
  world.tree.link("dc1", v1::LINK_STATE_LOST);
  world.tell();
  EXPECT_EQ(count(world.out(), "event: nodes"), 3);
  EXPECT_EQ(count(world.out(), R"("presumed":true)"), 5);
  world.tree.link("dc1", v1::LINK_STATE_UP);
  world.tell();
  EXPECT_EQ(count(world.out(), "event: targets"), 3);
}

TEST(ApiStream, SumsAboveFollowOnceForManyChanges) {
  StreamWorld world;
  world.subscribe("topics=nodes");
  ToldTarget told;
  told.state = v1::TARGET_STATE_FAILED;
  world.tree.target("dc1/web-1/api", told);
  world.tree.target("dc1/web-2/api", told);
  world.tell();
  EXPECT_EQ(world.out(), "");
  EXPECT_EQ(world.api.next_deadline(), world.now.time + Api::settle_delay);
  world.pass(Api::settle_delay);
  EXPECT_EQ(count(world.out(), R"("path":"dc1")"), 1);
  EXPECT_THAT(world.out(), HasSubstr(R"("health":"unhealthy")"));
}

TEST(ApiStream, OutagesOpenAndClose) {
  StreamWorld world;
  world.tree.link("dc2", v1::LINK_STATE_LOST);
  world.tell();
  world.subscribe("topics=outages");
  world.pass(seconds{1});
  EXPECT_EQ(world.out(), "") << "an outage that was there before is no news";
  world.tree.link("dc1", v1::LINK_STATE_LOST);
  world.tell();
  world.pass(seconds{1});
  EXPECT_EQ(count(world.out(), "event: outages"), 1);
  EXPECT_THAT(world.out(), HasSubstr(R"("root_cause":"dc1")"));
  EXPECT_THAT(world.out(), HasSubstr(R"("closed":null)"));
  world.tree.link("dc1", v1::LINK_STATE_UP);
  world.tell();
  world.pass(seconds{1});
  EXPECT_THAT(world.out(), HasSubstr(R"("closed":"20)"));
}

TEST(ApiStream, SelectNarrowsEveryTopic) {
  StreamWorld world;
  world.subscribe("select=dc2/**");
  world.event("dc1/web-1/api", "exited");
  EXPECT_EQ(world.out(), "");
  world.event("dc2/cache-1/redis.1", "exited");
  EXPECT_EQ(count(world.out(), "event: events"), 1);
  world.tree.link("dc1", v1::LINK_STATE_LOST);
  world.tell();
  EXPECT_EQ(world.out(), "");
}

TEST(ApiStream, SnapshotSendsThePresentFirst) {
  StreamWorld world;
  world.tree.link("dc2", v1::LINK_STATE_LOST);
  const auto text = world.subscribe("snapshot=1");
  EXPECT_EQ(count(text, "event: nodes"), 5);
  EXPECT_EQ(count(text, "event: targets"), 5);
  EXPECT_EQ(count(text, "event: outages"), 1);
  EXPECT_EQ(count(world.subscribe("snapshot=1&topics=targets&select=db"), "event: "), 1);
}

TEST(ApiStream, ResumesBehindTheLastIdSeen) {
  StreamWorld world;
  world.subscribe("topics=events");
  world.event("dc1", "first");
  const auto id = last_id(world.out());
  world.close(world.exchange);
  world.event("dc1", "second");
  world.event("dc2", "third");
  const auto text = world.subscribe("topics=events&select=dc1", id);
  EXPECT_THAT(text, HasSubstr("second"));
  EXPECT_THAT(text, Not(HasSubstr("first")));
  EXPECT_THAT(text, Not(HasSubstr("third")));
  EXPECT_THAT(text, Not(HasSubstr("gap")));
}

TEST(ApiStream, TellsAGapWhenItCannotResume) {
  StreamWorld world;
  EXPECT_EQ(count(world.subscribe("topics=events", "5"), "event: gap"), 1);
  world.event("dc1", "first");
  const auto id = last_id(world.out());
  for (std::size_t i = 0; i <= StreamHub::ring_size; ++i) world.event("dc1", "more");
  EXPECT_EQ(count(world.subscribe("topics=events", id), "event: gap"), 1);
  EXPECT_EQ(count(world.subscribe("topics=events", "99999999999"), "event: gap"), 1);
  EXPECT_EQ(count(world.subscribe("topics=events", "abc"), "event: gap"), 1);
}

TEST(ApiStream, KeepsNothingForLongWhenNobodyListens) {
  StreamWorld world;
  world.subscribe("topics=events");
  world.event("dc1", "first");
  const auto id = last_id(world.out());
  world.close(world.exchange);
  world.pass(StreamHub::kept_for);
  EXPECT_EQ(world.api.next_deadline(), never);
  world.event("dc1", "second");
  EXPECT_EQ(count(world.subscribe("topics=events", id), "event: gap"), 1);
}

TEST(ApiStream, CommentLineEveryFifteenSeconds) {
  StreamWorld world;
  world.subscribe("topics=events");
  EXPECT_EQ(world.api.next_deadline(), world.now.time + seconds{15});
  world.pass(seconds{15});
  EXPECT_EQ(world.out(), ": alive\n\n");
}

TEST(ApiStream, HangsUpOnWhoDoesNotRead) {
  StreamWorld world;
  world.subscribe("topics=events");
  const std::string text(1U << 20U, 'x');
  bool over = false;
  for (int i = 0; i < 9 && !over; ++i) {
    world.effects = {};
    world.api.add_event({"big", "dc1", text}, world.now, world.effects);
    over = world.ended(world.exchange);
  }
  EXPECT_TRUE(over);
  world.event("dc1", "more");
  EXPECT_EQ(world.out(), "");
}

TEST(ApiStream, WhoReadsIsNotHungUpOn) {
  StreamWorld world;
  world.subscribe("topics=events");
  const std::string text(1U << 20U, 'x');
  for (int i = 0; i < 20; ++i) {
    world.effects = {};
    world.api.add_event({"big", "dc1", text}, world.now, world.effects);
    ASSERT_FALSE(world.ended(world.exchange));
    world.drain(world.exchange);
  }
}

TEST(ApiStream, UnknownTopicIsRefused) {
  StreamWorld world;
  world.subscribe("topics=event");
  EXPECT_EQ(world.answer().status, 400);
  EXPECT_THAT(world.answer().body, HasSubstr("did you mean events?"));
}

}  // namespace
}  // namespace banyan::view
