// gauges=1: asked for in the tree, filled in when they come, null with a reason when they do not.

#include <gmock/gmock.h>

#include "tests/unit/view/view_world.h"

namespace banyan::view {
namespace {

using ::testing::HasSubstr;

v1::GaugeAnswer answer_to(const v1::GaugeAsk& ask) {
  v1::GaugeAnswer answer;
  answer.set_ask(ask.ask());
  for (const std::string& path : ask.paths()) {
    v1::NodeGauges& node = *answer.add_nodes();
    node.set_path(path);
    node.set_load_1m(0.5);
    node.set_cpus(4);
    node.set_rtt_ms(1.25);
    if (!ask.targets()) continue;
    v1::TargetGauges& target = *node.add_targets();
    target.set_name("api");
    target.set_cpu(0.75);
    target.set_rss_bytes(1 << 20);
    target.set_open_fds(9);
    target.set_processes(2);
    target.set_uptime_ms(1500);
  }
  return answer;
}

boost::json::value settle(AskedApi& asked, const v1::GaugeAnswer& answer) {
  asked.effects = {};
  asked.api.on_gauges(answer, asked.effects);
  return boost::json::parse(asked.answer().body);
}

TEST(Gauges, WithoutTheParameterNobodyIsAsked) {
  AskedApi asked;
  const auto body = asked.json("/api/v1/targets?select=dc1/web-1/api");
  EXPECT_TRUE(asked.effects.gauges.empty());
  EXPECT_FALSE(body.at("items").at(0).as_object().contains("cpu"));
}

TEST(Gauges, OfTargetsAreAskedOfTheirNodesAlone) {
  AskedApi asked;
  asked.ask("GET", "/api/v1/targets?select=dc1/**/api&gauges=1");
  EXPECT_EQ(asked.answer().status, 0) << "not yet";
  ASSERT_EQ(asked.effects.gauges.size(), 1u);
  const v1::GaugeAsk ask = asked.effects.gauges[0];
  ASSERT_EQ(ask.paths_size(), 2);
  EXPECT_EQ(ask.paths(0), "dc1/web-1");
  EXPECT_TRUE(ask.targets());
  const auto body = settle(asked, answer_to(ask));
  const auto& item = body.at("items").at(0).as_object();
  EXPECT_EQ(item.at("path").as_string(), "dc1/web-1/api");
  EXPECT_DOUBLE_EQ(item.at("cpu").as_double(), 0.75);
  EXPECT_EQ(item.at("rss_bytes").as_int64(), 1 << 20);
  EXPECT_EQ(item.at("open_fds").as_int64(), 9);
  EXPECT_EQ(item.at("processes").as_int64(), 2);
  EXPECT_DOUBLE_EQ(item.at("uptime_s").as_double(), 1.5);
  EXPECT_TRUE(item.at("gauges_missing").is_null());
}

TEST(Gauges, OfNodesAreTheirLoadAndRoundTrip) {
  AskedApi asked;
  asked.ask("GET", "/api/v1/nodes/dc1?gauges=1");
  const v1::GaugeAsk ask = asked.effects.gauges.at(0);
  EXPECT_FALSE(ask.targets());
  const auto body = settle(asked, answer_to(ask));
  EXPECT_DOUBLE_EQ(body.at("load").at("load1").as_double(), 0.5);
  EXPECT_EQ(body.at("load").at("cpus").as_int64(), 4);
  EXPECT_DOUBLE_EQ(body.at("rtt_ms").as_double(), 1.25);
}

TEST(Gauges, WhoDoesNotAnswerIsNamed) {
  AskedApi asked;
  asked.ask("GET", "/api/v1/targets/dc1/web-1/api?gauges=1");
  v1::GaugeAnswer answer;
  answer.set_ask(asked.effects.gauges.at(0).ask());
  answer.add_missing()->set_path("dc1/web-1");
  answer.mutable_missing(0)->set_reason("no answer in time");
  const auto body = settle(asked, answer);
  EXPECT_TRUE(body.at("cpu").is_null());
  EXPECT_EQ(body.at("gauges_missing").as_string(), "no answer in time");
}

TEST(Gauges, OfWhatDoesNotRunAreNullAndAskedOfNobody) {
  AskedApi asked;
  ToldTarget stopped;
  stopped.state = v1::TARGET_STATE_STOPPED;
  asked.tree.target("dc1/web-1/api", stopped);
  const auto body = asked.json("/api/v1/targets/dc1/web-1/api?gauges=1");
  EXPECT_TRUE(asked.effects.gauges.empty());
  EXPECT_TRUE(body.at("rss_bytes").is_null());
  EXPECT_TRUE(body.at("gauges_missing").is_null());
}

TEST(Gauges, AreNoPartOfTheRevision) {
  AskedApi asked;
  const auto tag = [&asked] {
    for (const auto& [name, value] : asked.answer().headers) {
      if (name == "etag") return value;
    }
    return std::string("none");
  };
  asked.get("/api/v1/targets");
  const std::string facts = tag();
  asked.ask("GET", "/api/v1/targets?gauges=1");
  settle(asked, answer_to(asked.effects.gauges.at(0)));
  EXPECT_EQ(tag(), facts);
  EXPECT_EQ(asked.get("/api/v1/targets", {{"if-none-match", facts}}).status, 304);
}

TEST(Gauges, OfAListStayInItsPages) {
  AskedApi asked;
  asked.ask("GET", "/api/v1/targets?gauges=1&limit=2");
  EXPECT_EQ(asked.effects.gauges.at(0).paths_size(), 1);
  const auto body = settle(asked, answer_to(asked.effects.gauges.at(0)));
  EXPECT_EQ(body.at("items").as_array().size(), 2u);
  EXPECT_EQ(body.at("continue").as_string(), "dc1/web-1/db");
}

TEST(Gauges, ManyNodesAreAskedInSeveralQuestions) {
  ToldTree tree;
  for (int i = 0; i < 600; ++i) tree.node("n" + std::to_string(i));
  AskedApi asked(std::move(tree));
  asked.ask("GET", "/api/v1/nodes?gauges=1");
  const auto asks = asked.effects.gauges;
  ASSERT_EQ(asks.size(), 2u);
  asked.effects = {};
  asked.api.on_gauges(answer_to(asks[0]), asked.effects);
  EXPECT_EQ(asked.answer().status, 0) << "one question is open";
  EXPECT_EQ(settle(asked, answer_to(asks[1])).at("items").as_array().size(), 600u);
}

TEST(Gauges, AClientThatWentIsForgotten) {
  AskedApi asked;
  const auto exchange = asked.ask("GET", "/api/v1/nodes?gauges=1");
  const auto ask = asked.effects.gauges.at(0);
  asked.close(exchange);
  asked.effects = {};
  asked.api.on_gauges(answer_to(ask), asked.effects);
  EXPECT_TRUE(asked.effects.http.empty());
}

TEST(Gauges, AHeadOfTheAnswerAsksNobody) {
  AskedApi asked;
  asked.ask("HEAD", "/api/v1/nodes?gauges=1");
  EXPECT_EQ(asked.answer().status, 200);
  EXPECT_TRUE(asked.effects.gauges.empty());
}

TEST(Gauges, AreRefusedWhenTooManyWait) {
  AskedApi asked;
  for (std::size_t i = 0; i < Api::max_gauge_answers; ++i) {
    asked.ask("GET", "/api/v1/nodes?gauges=1");
  }
  EXPECT_EQ(asked.get("/api/v1/nodes?gauges=1").status, 503);
  EXPECT_EQ(asked.get("/api/v1/nodes?gauges=perhaps").status, 400);
}

}  // namespace
}  // namespace banyan::view
