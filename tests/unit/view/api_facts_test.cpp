#include <gmock/gmock.h>

#include "tests/unit/view/view_world.h"

namespace banyan::view {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string header(const tree::HttpRespond& respond, const std::string& wanted) {
  for (const auto& [name, value] : respond.headers) {
    if (name == wanted) return value;
  }
  return "";
}

TEST(ApiStatus, CountsAllButTheRootItself) {
  AskedApi asked;
  const auto status = asked.json("/api/v1/status");
  EXPECT_EQ(status.at("name").as_string(), "root");
  EXPECT_EQ(status.at("nodes").at("total").as_int64(), 5);
  EXPECT_EQ(status.at("nodes").at("up").as_int64(), 5);
  EXPECT_EQ(status.at("targets").at("running").as_int64(), 5);
  EXPECT_TRUE(status.at("outages").as_array().empty());
}

TEST(ApiStatus, CountsWhatHangsBehindABreakAsPresumed) {
  AskedApi asked;
  asked.tree.link("dc1", v1::LINK_STATE_LOST);
  const auto status = asked.json("/api/v1/status");
  EXPECT_EQ(status.at("nodes").at("lost").as_int64(), 1);
  EXPECT_EQ(status.at("nodes").at("unreachable").as_int64(), 2);
  EXPECT_EQ(status.at("targets").at("presumed").as_int64(), 3);
  EXPECT_EQ(status.at("targets").at("running").as_int64(), 2);
  EXPECT_EQ(status.at("targets").at("total").as_int64(), 5);
}

TEST(ApiTree, NestsNodesAndTargets) {
  AskedApi asked;
  const auto tree = asked.json("/api/v1/tree");
  EXPECT_EQ(tree.at("path").as_string(), "/");
  EXPECT_EQ(tree.at("name").as_string(), "root");
  EXPECT_EQ(tree.at("state").as_string(), "up");
  EXPECT_THAT(strings(tree.at("children"), "path"), ElementsAre("dc1", "dc2"));
  const auto& web = tree.at("children").at(0).at("children").at(0);
  EXPECT_EQ(web.at("path").as_string(), "dc1/web-1");
  EXPECT_EQ(web.at("role").as_string(), "leaf");
  EXPECT_THAT(strings(web.at("targets"), "name"), ElementsAre("api", "db"));
  EXPECT_EQ(tree.at("counts").at("targets").at("total").as_int64(), 5);
}

TEST(ApiTree, SelectKeepsTheWayToWhatIsChosen) {
  AskedApi asked;
  const auto tree = asked.json("/api/v1/tree?select=db");
  EXPECT_THAT(strings(tree.at("children"), "path"), ElementsAre("dc1"));
  const auto& leaves = tree.at("children").at(0).at("children");
  EXPECT_THAT(strings(leaves, "path"), ElementsAre("dc1/web-1"));
  EXPECT_THAT(strings(leaves.at(0).at("targets"), "name"), ElementsAre("db"));
}

TEST(ApiTree, DepthCutsTheLevelsBelow) {
  AskedApi asked;
  EXPECT_TRUE(asked.json("/api/v1/tree?depth=0").at("children").as_array().empty());
  const auto tree = asked.json("/api/v1/tree?depth=1");
  EXPECT_TRUE(tree.at("children").at(0).at("children").as_array().empty());
}

TEST(ApiNodes, ShowsEverythingOfANode) {
  AskedApi asked;
  const auto node = asked.json("/api/v1/nodes/dc1/web-1");
  EXPECT_EQ(boost::json::serialize(node.at("labels")), R"({"env":"prod","tier":"front"})");
  EXPECT_EQ(node.at("instance_id").as_string(), "instance-of-dc1/web-1");
  EXPECT_EQ(node.at("since").as_string(), "2023-11-14T22:13:20.000Z");
  EXPECT_EQ(node.at("host").as_string(), "host-of-web-1");
  EXPECT_EQ(node.at("children").as_int64(), 0);
  EXPECT_FALSE(node.at("presumed").as_bool());
  EXPECT_TRUE(node.at("as_of").is_null());
}

TEST(ApiNodes, SlashIsTheTopItself) {
  AskedApi asked;
  for (const char* target : {"/api/v1/nodes/", "/api/v1/nodes/%2F"}) {
    const auto node = asked.json(target);
    EXPECT_EQ(node.at("path").as_string(), "/") << target;
    EXPECT_EQ(node.at("role").as_string(), "root");
  }
}

TEST(ApiNodes, UnreachableKeepsItsLastStateWithItsAge) {
  AskedApi asked;
  asked.tree.link("dc1", v1::LINK_STATE_LOST, "silence of 5 s");
  const auto lost = asked.json("/api/v1/nodes/dc1");
  EXPECT_EQ(lost.at("state").as_string(), "lost");
  EXPECT_EQ(lost.at("health").as_string(), "unhealthy");
  EXPECT_EQ(lost.at("evidence").at(0).as_string(), "silence of 5 s");
  const auto node = asked.json("/api/v1/nodes/dc1/web-1");
  EXPECT_EQ(node.at("state").as_string(), "unreachable");
  EXPECT_EQ(node.at("health").as_string(), "unknown");
  EXPECT_TRUE(node.at("presumed").as_bool());
  const auto target = asked.json("/api/v1/targets/dc1/web-1/api");
  EXPECT_EQ(target.at("state").as_string(), "running");
  EXPECT_EQ(target.at("health").as_string(), "unknown");
  EXPECT_TRUE(target.at("presumed").as_bool());
  EXPECT_EQ(target.at("as_of").as_string(), "2023-11-14T22:13:20.000Z");
}

TEST(ApiNodes, StateNarrowsTheList) {
  AskedApi asked;
  asked.tree.link("dc1/web-2", v1::LINK_STATE_SUSPECT);
  EXPECT_THAT(strings(asked.json("/api/v1/nodes?state=suspect,lost").at("items"), "path"),
              ElementsAre("dc1/web-2"));
  asked.tree.link("dc2", v1::LINK_STATE_LEFT);
  EXPECT_THAT(strings(asked.json("/api/v1/nodes?state=left").at("items"), "path"),
              ElementsAre("dc2", "dc2/cache-1"));
  EXPECT_EQ(asked.get("/api/v1/nodes?state=upp").status, 400);
}

TEST(ApiNodes, NothingChosenIsAnEmptyList) {
  AskedApi asked;
  const auto respond = asked.get("/api/v1/nodes?select=no/such");
  EXPECT_EQ(respond.status, 200);
  EXPECT_EQ(respond.body, "{\"items\":[],\"continue\":null}\n");
}

TEST(ApiTargets, ShowsEverythingOfATarget) {
  AskedApi asked;
  ToldTarget told;
  told.state = v1::TARGET_STATE_BACKING_OFF;
  told.restarts = 2;
  told.exit_code = 0;
  told.exit_signal = 9;
  told.labels = {{"tier", "back"}};
  asked.tree.target("dc1/web-1/api", told);
  const auto target = asked.json("/api/v1/targets/dc1/web-1/api");
  EXPECT_EQ(target.at("node").as_string(), "dc1/web-1");
  EXPECT_EQ(target.at("name").as_string(), "api");
  EXPECT_EQ(target.at("state").as_string(), "backing_off");
  EXPECT_EQ(target.at("health").as_string(), "degraded");
  EXPECT_TRUE(target.at("pid").is_null());
  EXPECT_EQ(target.at("restarts").as_int64(), 2);
  EXPECT_TRUE(target.at("last_exit").at("code").is_null());
  EXPECT_EQ(target.at("last_exit").at("signal").as_string(), "KILL");
  EXPECT_EQ(target.at("labels").at("tier").as_string(), "back");
  EXPECT_EQ(target.at("labels").at("env").as_string(), "prod");
}

TEST(ApiTargets, AmbiguousShortNameListsTheCandidates) {
  AskedApi asked;
  const auto respond = asked.get("/api/v1/targets?select=api");
  EXPECT_EQ(respond.status, 404);
  EXPECT_EQ(header(respond, "content-type"), "application/problem+json");
  const auto body = boost::json::parse(respond.body);
  EXPECT_EQ(boost::json::serialize(body.at("candidates")), R"(["dc1/web-1/api","dc1/web-2/api"])");
  EXPECT_THAT(std::string(body.at("hint").as_string()), HasSubstr("dc1/web-1/api"));
}

TEST(ApiTargets, UnknownOneNamesWhatIsNear) {
  AskedApi asked;
  const auto respond = asked.get("/api/v1/targets/dc1/web-1/dbb");
  EXPECT_EQ(respond.status, 404);
  EXPECT_THAT(respond.body, HasSubstr("did you mean dc1/web-1/db?"));
}

TEST(ApiLists, PagesFollowEachOtherWithoutRepeatOrLoss) {
  AskedApi asked;
  for (const char* list : {"nodes", "targets"}) {
    std::vector<std::string> seen;
    std::string token;
    for (int page = 0; page < 10; ++page) {
      const auto body = asked.json("/api/v1/" + std::string(list) + "?limit=2" + token);
      for (auto& path : strings(body.at("items"), "path")) seen.push_back(path);
      if (body.at("continue").is_null()) break;
      token = "&continue=" + std::string(body.at("continue").as_string());
    }
    const auto all = asked.json("/api/v1/" + std::string(list));
    EXPECT_EQ(seen, strings(all.at("items"), "path"));
  }
}

TEST(ApiLists, PageGoesOnThoughItsTokenIsGone) {
  AskedApi asked;
  asked.tree.remove_target("dc1/web-1/db");
  EXPECT_THAT(
      strings(asked.json("/api/v1/targets?limit=1&continue=dc1/web-1/db").at("items"), "path"),
      ElementsAre("dc1/web-2/api"));
}

TEST(ApiLists, LimitHasBounds) {
  AskedApi asked;
  EXPECT_EQ(asked.get("/api/v1/nodes?limit=10000").status, 200);
  const auto respond = asked.get("/api/v1/nodes?limit=10001");
  EXPECT_EQ(respond.status, 400);
  EXPECT_THAT(respond.body, HasSubstr("1 to 10000"));
}

TEST(ApiLists, UnchangedFactsAnswerNotModified) {
  AskedApi asked;
  const auto etag = header(asked.get("/api/v1/targets"), "etag");
  const auto revision = asked.json("/api/v1/status").at("revision").as_int64();
  EXPECT_EQ(etag, "\"" + std::to_string(revision) + "\"");
  EXPECT_EQ(asked.get("/api/v1/targets", {{"if-none-match", etag}}).status, 304);
  EXPECT_EQ(asked.get("/api/v1/tree", {{"if-none-match", "W/" + etag}}).status, 304);
  asked.tree.link("dc2", v1::LINK_STATE_SUSPECT);
  EXPECT_EQ(asked.get("/api/v1/targets", {{"if-none-match", etag}}).status, 200);
}

TEST(Health, OfANodeIsTheWorstOfItselfAndBelow) {
  AskedApi asked;
  const auto health = [&](const std::string& path) {
    return std::string(asked.json("/api/v1/nodes/" + path).at("health").as_string());
  };
  EXPECT_EQ(health(""), "healthy");
  asked.tree.link("dc2/cache-1", v1::LINK_STATE_SUSPECT);
  asked.tell();
  EXPECT_EQ(health("dc2"), "degraded");
  ToldTarget failed;
  failed.state = v1::TARGET_STATE_FAILED;
  asked.tree.target("dc1/web-1/api", failed);
  asked.tell();
  EXPECT_EQ(health("dc1/web-1"), "unhealthy");
  EXPECT_EQ(health("dc1/web-2"), "healthy");
  EXPECT_EQ(health(""), "unhealthy");
  asked.tree.link("dc1", v1::LINK_STATE_LEFT);
  asked.tell();
  EXPECT_EQ(health(""), "degraded");
}

TEST(Health, OfATargetThatEnded) {
  v1::TargetFact fact;
  for (const auto state : {v1::TARGET_STATE_EXITED, v1::TARGET_STATE_STOPPED}) {
    fact.set_state(state);
    fact.set_wanted(false);
    EXPECT_EQ(health_of(fact, false), Health::healthy);
    fact.set_wanted(true);
    EXPECT_EQ(health_of(fact, false), Health::unhealthy);
    EXPECT_EQ(health_of(fact, true), Health::unknown);
  }
}

TEST(Outages, DeadRelayIsOneOutage) {
  AskedApi asked;
  asked.tree.link("dc1/web-1", v1::LINK_STATE_LOST);
  asked.tree.link("dc1", v1::LINK_STATE_LOST, "connection closed");
  const auto items = asked.json("/api/v1/outages").at("items");
  ASSERT_EQ(items.as_array().size(), 1u);
  const auto& outage = items.at(0);
  EXPECT_EQ(outage.at("root_cause").as_string(), "dc1");
  EXPECT_EQ(outage.at("kind").as_string(), "node_lost");
  EXPECT_EQ(boost::json::serialize(outage.at("affected")), R"({"nodes":2,"targets":3})");
  EXPECT_TRUE(outage.at("closed").is_null());
  EXPECT_EQ(outage.at("evidence").at(0).as_string(), "connection closed");
  const auto again = asked.json("/api/v1/status").at("outages").at(0);
  EXPECT_EQ(again.at("id"), outage.at("id"));
}

TEST(Outages, SuspectAndLeftOpenNone) {
  AskedApi asked;
  asked.tree.link("dc1", v1::LINK_STATE_SUSPECT);
  asked.tree.link("dc2", v1::LINK_STATE_LEFT);
  EXPECT_TRUE(asked.json("/api/v1/outages").at("items").as_array().empty());
}

TEST(Outages, FailedAndCrashingTargetsOpenOneEach) {
  AskedApi asked;
  ToldTarget failed;
  failed.state = v1::TARGET_STATE_FAILED;
  failed.error = "ENOENT";
  asked.tree.target("dc1/web-1/api", failed);
  ToldTarget crashing;
  crashing.state = v1::TARGET_STATE_BACKING_OFF;
  crashing.restarts = 2;
  asked.tree.target("dc1/web-1/db", crashing);
  EXPECT_THAT(strings(asked.json("/api/v1/outages").at("items"), "kind"),
              ElementsAre("target_failed"));
  crashing.restarts = 3;
  asked.tree.target("dc1/web-1/db", crashing);
  EXPECT_THAT(strings(asked.json("/api/v1/outages").at("items"), "kind"),
              ElementsAre("target_failed", "target_crashing"));
}

}  // namespace
}  // namespace banyan::view
