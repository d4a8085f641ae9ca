#include <gmock/gmock.h>

#include "common/view/wall_text.h"
#include "tests/unit/view/view_world.h"

namespace banyan::view {
namespace {

using ::testing::HasSubstr;

TEST(ApiHttp, UnknownAddressNamesTheNearest) {
  AskedApi asked;
  const auto respond = asked.get("/api/v1/node");
  EXPECT_EQ(respond.status, 404);
  EXPECT_THAT(respond.body, HasSubstr("did you mean /api/v1/nodes?"));
  EXPECT_EQ(asked.get("/api/v1/tree/").status, 404);
}

TEST(ApiHttp, WrongMethodNamesTheAllowedOnes) {
  AskedApi asked;
  asked.ask("DELETE", "/api/v1/commands");
  const auto respond = asked.answer();
  EXPECT_EQ(respond.status, 405);
  ASSERT_FALSE(respond.headers.empty());
  EXPECT_EQ(respond.headers[0], (std::pair<std::string, std::string>{"allow", "GET, POST"}));
}

TEST(ApiHttp, UnknownParameterIsRefusedWithTheNearest) {
  AskedApi asked;
  const auto respond = asked.get("/api/v1/nodes?selekt=x");
  EXPECT_EQ(respond.status, 400);
  EXPECT_THAT(respond.body, HasSubstr("did you mean select?"));
}

TEST(ApiHttp, BadEncodingIsRefused) {
  AskedApi asked;
  EXPECT_EQ(asked.get("/api/v1/nodes?select=%zz").status, 400);
  EXPECT_EQ(asked.get("/api/v1/nodes/%").status, 400);
  EXPECT_EQ(asked.get("/api/v1/nodes/%ff").status, 400);
}

TEST(ApiHttp, BadSelectorIsRefusedWithItsColumn) {
  AskedApi asked;
  for (const char* list : {"nodes", "targets", "tree", "logs", "events", "stream"}) {
    const auto respond = asked.get("/api/v1/" + std::string(list) + "?select=%40upp");
    EXPECT_EQ(respond.status, 400) << list;
    EXPECT_THAT(respond.body, HasSubstr("did you mean @up?")) << list;
  }
}

TEST(ApiHttp, HeadIsGetWithoutABody) {
  AskedApi asked;
  asked.ask("HEAD", "/api/v1/status");
  EXPECT_EQ(asked.answer().status, 200);
  EXPECT_EQ(asked.answer().body, "");
  asked.ask("HEAD", "/api/v1/stream");
  EXPECT_EQ(asked.answer().status, 405);
}

TEST(ApiHttp, ServesThePage) {
  AskedApi asked;
  EXPECT_EQ(asked.get("/").body, "<p>hello");
  EXPECT_EQ(asked.get("/index.html").body, "<p>hello");
  EXPECT_EQ(asked.get("/none.js").status, 404);
}

TEST(ApiHttp, ProbesAnswer) {
  AskedApi asked;
  EXPECT_EQ(asked.get("/livez").status, 200);
  EXPECT_EQ(asked.get("/readyz").status, 200);
  EXPECT_EQ(asked.json("/version").at("version").as_string(), "9.9");
  const auto metrics = asked.get("/metrics").body;
  EXPECT_THAT(metrics, HasSubstr("banyan_build_info{version=\"9.9\"} 1\n"));
  EXPECT_THAT(metrics, HasSubstr("banyan_nodes{state=\"up\"} 5\n"));
  EXPECT_THAT(metrics, HasSubstr("banyan_targets{state=\"running\"} 5\n"));
}

TEST(ApiHttp, OpenapiListsEveryRoute) {
  AskedApi asked;
  const auto paths = asked.json("/openapi.json").at("paths");
  for (const auto& route : Api::routes()) {
    EXPECT_TRUE(paths.as_object().contains(route.pattern)) << route.pattern;
  }
}

TEST(Query, BlanksAndRepeatedParameters) {
  const auto query = Query::parse("select=-l+env%3Dprod&select=a&follow");
  ASSERT_TRUE(query);
  EXPECT_EQ(query->text("select"), "-l env=prod,a");
  EXPECT_TRUE(query->flag("follow").value());
  EXPECT_FALSE(query->flag("none").value());
  EXPECT_FALSE(Query::parse("follow=maybe")->flag("follow"));
}

TEST(WallText, ReadsTimesAndAges) {
  const WallTime now = wall_from_ms(1'700'000'000'000);
  const auto read = [&](const char* text) {
    const auto time = parse_wall(text, now);
    return time ? wall_ms(*time) : -1;
  };
  EXPECT_EQ(read("2023-11-14T22:13:20Z"), 1'700'000'000'000);
  EXPECT_EQ(read("2023-11-14T23:13:20.250+01:00"), 1'700'000'000'250);
  EXPECT_EQ(read("2023-11-14T21:13:20-01:00"), 1'700'000'000'000);
  EXPECT_EQ(read("1700000000"), 1'700'000'000'000);
  EXPECT_EQ(read("1700000000123"), 1'700'000'000'123);
  EXPECT_EQ(read("10m"), 1'699'999'400'000);
  for (const char* bad : {"", "yesterday", "2023-02-30T00:00:00Z", "2023-11-14T22:13:20",
                          "2023-11-14", "2023-11-14T25:00:00Z", "2023-11-14T22:13:20Zx"}) {
    EXPECT_EQ(read(bad), -1) << bad;
  }
}

TEST(ApiEvents, ListsTheNewestFirst) {
  AskedApi asked;
  for (const char* kind : {"up", "lost", "up"}) {
    asked.api.add_event({kind, "dc1", "text"}, asked.now, asked.effects);
  }
  const auto items = asked.json("/api/v1/events").at("items");
  ASSERT_EQ(items.as_array().size(), 3u);
  EXPECT_EQ(items.at(0).at("seq").as_int64(), 3);
  EXPECT_EQ(asked.json("/api/v1/events?kind=lost").at("items").as_array().size(), 1u);
  EXPECT_EQ(asked.json("/api/v1/events?after=2").at("items").as_array().size(), 1u);
  EXPECT_EQ(asked.json("/api/v1/events?select=dc2").at("items").as_array().size(), 0u);
  EXPECT_EQ(asked.json("/api/v1/events?since=1m").at("items").as_array().size(), 3u);
  asked.pass(seconds{120});
  EXPECT_EQ(asked.json("/api/v1/events?since=1m").at("items").as_array().size(), 0u);
}

TEST(ApiEvents, PagesGoOnWithOlderOnes) {
  AskedApi asked;
  for (int i = 0; i < 3; ++i) asked.api.add_event({"up", "dc1", ""}, asked.now, asked.effects);
  const auto first = asked.json("/api/v1/events?limit=2");
  EXPECT_EQ(first.at("continue").as_string(), "2");
  const auto second = asked.json("/api/v1/events?limit=2&continue=2");
  EXPECT_EQ(second.at("items").at(0).at("seq").as_int64(), 1);
  EXPECT_TRUE(second.at("continue").is_null());
}

}  // namespace
}  // namespace banyan::view
