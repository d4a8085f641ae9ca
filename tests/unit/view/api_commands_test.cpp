#include <gmock/gmock.h>

#include "tests/unit/view/view_world.h"

namespace banyan::view {
namespace {

using ::testing::HasSubstr;

constexpr const char* commands = "/api/v1/commands";

boost::json::value post(AskedApi& asked, const std::string& body, const std::string& query = "") {
  asked.ask("POST", commands + query, body);
  return boost::json::parse(asked.answer().body);
}

v1::Outcomes outcomes(const v1::Request& request, v1::OutcomeKind kind) {
  v1::Outcomes told;
  told.set_id(request.command().id());
  for (const auto& target : request.targets()) {
    auto& outcome = *told.add_outcomes();
    outcome.set_path(target.path());
    outcome.set_target(target.target());
    outcome.set_kind(kind);
    outcome.set_generation(target.generation() + 1);
    outcome.set_pid(99);
  }
  return told;
}

void answer(AskedApi& asked, const v1::Outcomes& told) {
  asked.effects = {};
  asked.api.on_outcomes(told, asked.now, asked.effects);
}

TEST(Commands, SendTheFixedSetIntoTheTree) {
  AskedApi asked;
  const auto body = post(asked, R"({"verb":"restart","select":"dc1/**/api"})");
  EXPECT_EQ(asked.answer().status, 202);
  EXPECT_EQ(body.at("state").as_string(), "running");
  EXPECT_EQ(body.at("targets").as_int64(), 2);
  ASSERT_EQ(asked.effects.requests.size(), 1u);
  const auto& request = asked.effects.requests[0];
  EXPECT_EQ(request.command().verb(), "restart");
  EXPECT_EQ(request.command().selector(), "dc1/**/api");
  EXPECT_EQ(request.ttl_ms(), 30'000u);
  ASSERT_EQ(request.targets_size(), 2);
  EXPECT_EQ(request.targets(0).path(), "dc1/web-1");
  EXPECT_EQ(request.targets(0).target(), "api");
  EXPECT_EQ(request.targets(0).instance(), "instance-of-dc1/web-1");
  EXPECT_EQ(request.targets(0).generation(), 1u);
  EXPECT_EQ(request.command().id().size(), 16u);
}

TEST(Commands, FinishWithOneOutcomePerTarget) {
  AskedApi asked;
  const auto id =
      std::string(post(asked, R"({"verb":"restart","select":"dc1/web-1"})").at("id").as_string());
  const auto request = asked.effects.requests.at(0);
  answer(asked, outcomes(request, v1::OUTCOME_KIND_DONE));
  const auto body = asked.json("/api/v1/commands/" + id);
  EXPECT_EQ(body.at("state").as_string(), "finished");
  EXPECT_EQ(body.at("counts").at("done").as_int64(), 2);
  const auto& result = body.at("results").at(0);
  EXPECT_EQ(result.at("path").as_string(), "dc1/web-1/api");
  EXPECT_EQ(result.at("outcome").as_string(), "done");
  EXPECT_EQ(result.at("generation").as_int64(), 2);
  EXPECT_EQ(result.at("pid").as_int64(), 99);
}

TEST(Commands, WaitAnswersWhenFinished) {
  AskedApi asked;
  const auto exchange =
      asked.ask("POST", std::string(commands) + "?wait=10s", R"({"verb":"stop","select":"db"})");
  EXPECT_EQ(asked.answer().status, 0);
  const auto request = asked.effects.requests.at(0);
  answer(asked, outcomes(request, v1::OUTCOME_KIND_DONE));
  EXPECT_EQ(asked.answer().exchange, exchange);
  EXPECT_EQ(asked.answer().status, 200);
  EXPECT_THAT(asked.answer().body, HasSubstr(R"("state":"finished")"));
}

TEST(Commands, WaitThatEndsFirstAnswersRunning) {
  AskedApi asked;
  asked.ask("POST", std::string(commands) + "?wait=1s", R"({"verb":"stop","select":"db"})");
  EXPECT_EQ(asked.api.next_deadline(), asked.now.time + seconds{1});
  asked.pass(seconds{1});
  EXPECT_EQ(asked.answer().status, 202);
  EXPECT_THAT(asked.answer().body, HasSubstr(R"("state":"running")"));
}

TEST(Commands, ClientThatGoesIsNotAnswered) {
  AskedApi asked;
  const auto exchange =
      asked.ask("POST", std::string(commands) + "?wait=1s", R"({"verb":"stop","select":"db"})");
  asked.close(exchange);
  asked.pass(seconds{2});
  EXPECT_TRUE(asked.effects.http.empty());
}

TEST(Commands, TargetBehindABreakIsUnreachableAtOnce) {
  AskedApi asked;
  asked.tree.link("dc2", v1::LINK_STATE_LOST);
  const auto body = post(asked, R"({"verb":"restart","select":"**"})");
  EXPECT_EQ(body.at("counts").at("unreachable").as_int64(), 2);
  EXPECT_EQ(body.at("state").as_string(), "running");
  EXPECT_EQ(asked.effects.requests.at(0).targets_size(), 3);
  const auto none = post(asked, R"({"verb":"restart","select":"dc2/**"})");
  EXPECT_EQ(none.at("state").as_string(), "finished");
  EXPECT_TRUE(asked.effects.requests.empty());
  EXPECT_EQ(none.at("results").at(0).at("reason").as_string(), "dc2 is lost");
}

TEST(Commands, SuspectNodeIsTried) {
  AskedApi asked;
  asked.tree.link("dc1", v1::LINK_STATE_SUSPECT);
  post(asked, R"({"verb":"restart","select":"db"})");
  EXPECT_EQ(asked.effects.requests.at(0).targets_size(), 1);
}

TEST(Commands, DoubtAndSilenceBecomeUnknownAtTheDeadline) {
  AskedApi asked;
  const auto id = std::string(
      post(asked, R"({"verb":"restart","select":"dc1/web-1","ttl_ms":1000})").at("id").as_string());
  auto told = outcomes(asked.effects.requests.at(0), v1::OUTCOME_KIND_IN_DOUBT);
  told.mutable_outcomes()->RemoveLast();
  answer(asked, told);
  EXPECT_EQ(asked.json("/api/v1/commands/" + id).at("state").as_string(), "running");
  asked.pass(milliseconds{1999});
  EXPECT_EQ(asked.json("/api/v1/commands/" + id).at("state").as_string(), "running");
  asked.pass(milliseconds{1});
  const auto body = asked.json("/api/v1/commands/" + id);
  EXPECT_EQ(body.at("state").as_string(), "finished");
  EXPECT_EQ(body.at("counts").at("unknown").as_int64(), 2);
}

TEST(Commands, OnlyUnknownIsImprovedLater) {
  AskedApi asked;
  const auto id = std::string(
      post(asked, R"({"verb":"restart","select":"db","ttl_ms":1000})").at("id").as_string());
  const auto request = asked.effects.requests.at(0);
  asked.pass(seconds{2});
  answer(asked, outcomes(request, v1::OUTCOME_KIND_DONE));
  auto result = asked.json("/api/v1/commands/" + id).at("results").at(0);
  EXPECT_EQ(result.at("outcome").as_string(), "done");
  EXPECT_TRUE(result.at("late").as_bool());
  answer(asked, outcomes(request, v1::OUTCOME_KIND_FAILED));
  result = asked.json("/api/v1/commands/" + id).at("results").at(0);
  EXPECT_EQ(result.at("outcome").as_string(), "done");
}

TEST(Commands, SameIdAgainAnswersTheStoredOne) {
  AskedApi asked;
  const std::string body =
      R"({"id":"00112233445566778899aabbccddeeff","verb":"restart","select":"db"})";
  post(asked, body);
  const auto request = asked.effects.requests.at(0);
  EXPECT_EQ(request.command().id().substr(0, 2), std::string("\x00\x11", 2));
  answer(asked, outcomes(request, v1::OUTCOME_KIND_DONE));
  const auto again = post(asked, body);
  EXPECT_EQ(asked.answer().status, 200);
  EXPECT_EQ(again.at("state").as_string(), "finished");
  EXPECT_TRUE(asked.effects.requests.empty());
  post(asked, R"({"id":"00112233445566778899aabbccddeeff","verb":"stop","select":"db"})");
  EXPECT_EQ(asked.answer().status, 409);
}

TEST(Commands, NothingMatchedNamesWhatIsNear) {
  AskedApi asked;
  post(asked, R"({"verb":"restart","select":"dc1/web-1/dbb"})");
  EXPECT_EQ(asked.answer().status, 404);
  EXPECT_THAT(asked.answer().body, HasSubstr(R"("candidates":["dc1/web-1/db"])"));
  const auto relay = post(asked, R"({"verb":"restart","select":"/dc1"})");
  EXPECT_EQ(asked.answer().status, 404);
  EXPECT_THAT(std::string(relay.at("hint").as_string()), HasSubstr("no targets of its own"));
  EXPECT_EQ(asked.api.commands().newest_first().size(), 0u);
}

TEST(Commands, BadBodiesAreRefusedNamingWhere) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "not JSON"},
      {"{\"verb\":", "byte 9"},
      {"[]", "not a JSON object"},
      {R"({"verb":"restart"})", "selector is missing"},
      {R"({"verb":"restart","select":" "})", "selector is missing"},
      {R"({"verb":"restart","selector":"x"})", "did you mean select?"},
      {R"({"verb":"restrat","select":"**"})", "did you mean restart?"},
      {R"({"select":"**"})", "verb is missing"},
      {R"({"verb":1,"select":"**"})", "not a string"},
      {R"({"verb":"signal","select":"**"})", "args.signal"},
      {R"({"verb":"signal","select":"**","args":{"signal":"TREM"}})", "not a signal"},
      {R"({"verb":"stop","select":"**","args":{"signal":"TERM"}})", "args.signal"},
      {R"({"verb":"stop","select":"**","ttl_ms":99})", "ttl_ms"},
      {R"({"verb":"stop","select":"**","ttl_ms":3600001})", "ttl_ms"},
      {R"({"verb":"stop","select":"**","id":"xyz"})", "32 hex digits"},
      {R"({"verb":"stop","select":"@nope"})", "column 1"},
  };
  for (const auto& [body, expected] : cases) {
    AskedApi asked;
    asked.ask("POST", commands, body);
    EXPECT_EQ(asked.answer().status, 400) << body;
    EXPECT_THAT(asked.answer().body, HasSubstr(expected)) << body;
    EXPECT_TRUE(asked.effects.requests.empty());
  }
}

TEST(Commands, SignalIsWrittenWithoutSig) {
  for (const char* signal : {R"("TERM")", R"("SIGTERM")", "15"}) {
    AskedApi asked;
    const auto body = post(
        asked, std::string(R"({"verb":"signal","select":"db","args":{"signal":)") + signal + "}}");
    EXPECT_EQ(body.at("args").at("signal").as_string(), "TERM");
    EXPECT_EQ(asked.effects.requests.at(0).command().signal(), 15);
  }
}

TEST(Commands, CannotBeCancelledOnceSent) {
  AskedApi asked;
  const auto id = std::string(post(asked, R"({"verb":"stop","select":"db"})").at("id").as_string());
  asked.ask("DELETE", "/api/v1/commands/" + id);
  EXPECT_EQ(asked.answer().status, 409);
  asked.ask("DELETE", "/api/v1/commands/none");
  EXPECT_EQ(asked.answer().status, 404);
}

TEST(Commands, OldestFinishedGiveWayRunningOnesNever) {
  AskedApi asked;
  const auto first =
      std::string(post(asked, R"({"verb":"stop","select":"db"})").at("id").as_string());
  asked.tree.link("dc2", v1::LINK_STATE_LOST);
  for (std::size_t i = 0; i < CommandBook::max_commands + 5; ++i) {
    post(asked, R"({"verb":"stop","select":"dc2/**"})");  // finished at once
  }
  EXPECT_EQ(asked.api.commands().newest_first().size(), CommandBook::max_commands);
  EXPECT_NE(asked.api.commands().find(first), nullptr);
}

TEST(Commands, TooManyRunningOnesAreRefused) {
  AskedApi asked;
  for (std::size_t i = 0; i < CommandBook::max_commands; ++i) {
    post(asked, R"({"verb":"stop","select":"db"})");
  }
  post(asked, R"({"verb":"stop","select":"db"})");
  EXPECT_EQ(asked.answer().status, 503);
}

TEST(Commands, ListIsNewestFirst) {
  AskedApi asked;
  post(asked, R"({"verb":"stop","select":"db"})");
  post(asked, R"({"verb":"start","select":"db"})");
  const auto page = asked.json("/api/v1/commands?limit=1");
  EXPECT_EQ(page.at("items").at(0).at("verb").as_string(), "start");
  const auto rest =
      asked.json("/api/v1/commands?continue=" + std::string(page.at("continue").as_string()));
  EXPECT_EQ(strings(rest.at("items"), "verb"), std::vector<std::string>{"stop"});
}

}  // namespace
}  // namespace banyan::view
