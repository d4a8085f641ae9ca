#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "root/cli/arguments.h"
#include "root/cli/problem.h"
#include "root/cli/render_events.h"
#include "root/cli/render_list.h"
#include "root/cli/render_status.h"
#include "root/cli/url.h"
#include "root/cli/when.h"

namespace banyan::cli {
namespace {

View view_of(bool terminal) {
  View view;
  view.now = *parse_rfc3339("2026-03-01T12:04:12Z");
  view.style.terminal = terminal;
  view.style.width = terminal ? 80 : 0;
  return view;
}

json::object target(const std::string& path, const char* state, const char* health) {
  return {{"path", path}, {"state", state}, {"health", health}, {"since", "2026-03-01T12:00:00Z"},
          {"pid", 21877}, {"restarts", 0}};
}

TEST(RenderList, PutsTheWorstFirstAndMarksThePresumed) {
  json::object presumed = target("a/old", "running", "unknown");
  presumed["presumed"] = true;
  const json::array items{target("a/api", "running", "healthy"), presumed,
                          target("a/db", "backing_off", "unhealthy")};
  EXPECT_EQ(render_list("targets", items, false, view_of(true)),
            "PATH   STATE          HEALTH       FOR  RESTARTS    PID\n"
            "a/db   ↻ backing off  unhealthy  4m12s         0  21877\n"
            "a/old  ◌ running?     unknown    4m12s         0  21877\n"
            "a/api  ● running      healthy    4m12s         0  21877\n");
}

TEST(RenderList, CountsTheHealthyTailOnATerminalAndShowsAllElsewhere) {
  json::array items;
  for (int i = 0; i < 50; ++i) {
    items.push_back(target("n/" + std::to_string(i), "running", "healthy"));
  }
  EXPECT_THAT(
      render_list("targets", items, false, view_of(true)),
      testing::EndsWith("… 30 more, all as listed last; narrow with a selector or -o name\n"));
  EXPECT_THAT(render_list("targets", items, false, view_of(false)), testing::HasSubstr("n/49"));
}

TEST(RenderList, LetsColumnsLeaveANarrowTerminal) {
  View view = view_of(true);
  view.style.width = 45;
  EXPECT_EQ(render_list("targets", {target("a/api", "running", "healthy")}, true, view),
            "PATH   STATE      HEALTH     FOR  RESTARTS\n"
            "a/api  ● running  healthy  4m12s         0\n");
}

TEST(RenderEvents, AreOldestFirstAndAlikeOnesFold) {
  const auto event = [](const char* time, const char* text) {
    return json::object{{"time", time}, {"kind", "exited"}, {"path", "a/b"}, {"text", text}};
  };
  const json::array items{event("2026-03-01T12:02:00Z", "exit 1"),
                          event("2026-03-01T12:01:00Z", "exit 1"),
                          event("2026-03-01T12:00:00Z", "started")};
  EXPECT_EQ(render_events(items, true, view_of(true)),
            "TIME      KIND      PATH  WHAT\n"
            "12:00:00  ○ exited  a/b   started\n"
            "12:02:00  ○ exited  a/b   2 × exit 1, first at 12:01:00\n");
  EXPECT_THAT(render_events(items, false, view_of(false)), testing::HasSubstr("12:01:00"));
}

json::object ended(const char* text, json::object data) {
  return {{"time", "2026-03-01T12:00:00Z"},
          {"kind", "exited"},
          {"path", "a/b"},
          {"text", text},
          {"data", std::move(data)}};
}

TEST(RenderEvents, SayHowARunEndedAndMarkABadEnd) {
  EXPECT_THAT(
      render_events({ended("exit=3", {{"code", 3}, {"signal", nullptr}})}, false, view_of(false)),
      testing::EndsWith("✗ exited  a/b   exit 3\n"));
  EXPECT_THAT(
      render_events({ended("exit=0", {{"code", 0}, {"signal", nullptr}})}, false, view_of(false)),
      testing::EndsWith("○ exited  a/b   exit 0\n"));
  EXPECT_THAT(render_events({ended("signal=KILL", {{"code", nullptr}, {"signal", "KILL"}})}, false,
                            view_of(false)),
              testing::EndsWith("✗ exited  a/b   signal KILL\n"));
  EXPECT_THAT(render_events({ended("signal=TERM", {{"code", nullptr}, {"signal", "TERM"}})}, false,
                            view_of(false)),
              testing::EndsWith("○ exited  a/b   signal TERM\n"));
}

TEST(RenderEvents, AFailedLaunchIsMarkedAsFailed) {
  json::object event = ended("no such file", {});
  event["kind"] = "launch_failed";
  EXPECT_THAT(render_events({event}, false, view_of(false)), testing::HasSubstr("✗ launch failed"));
}

TEST(RenderEvents, FollowedOnesStandInTheColumnsOfTheList) {
  EventWidths widths{6, 4};
  const json::array items{ended("exit=1", {{"code", 1}})};
  json::object wide = ended("exit=1", {{"code", 1}});
  wide["path"] = "a/longer/path";
  const std::string list = render_events({wide}, false, widths, view_of(false));
  const std::string next = render_event(items[0], widths, view_of(false));
  EXPECT_EQ(list.rfind("exit 1") - list.rfind("12:00:00"),
            next.rfind("exit 1") - next.rfind("12:00:00"));
}

TEST(RenderList, AnUnreachableNodeIsNoPresumption) {
  json::object node{{"path", "a"}, {"state", "unreachable"}, {"presumed", true}};
  EXPECT_THAT(render_list("nodes", {node}, false, view_of(false)),
              testing::Not(testing::HasSubstr("unreachable?")));
}

TEST(RenderStatus, ShowsTheNewestEvidenceWithItsTimeOfDay) {
  const json::array chain{
      "2026-03-01T12:00:00.100Z up: digest equal", "2026-03-01T12:00:01.000Z suspect: late",
      "2026-03-01T12:00:02.000Z up: digest equal", "2026-03-01T12:00:03.000Z lost: silence"};
  const json::value status = json::object{
      {"outages", {json::object{{"root_cause", "a"}, {"kind", "node_lost"}, {"evidence", chain}}}}};
  const std::string text = render_status(status, view_of(false));
  EXPECT_THAT(text, testing::HasSubstr("    12:00:03 lost: silence\n"));
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("12:00:00")));
}

TEST(RenderStatus, IsFourLinesWhenAllIsWell) {
  const json::value status =
      json::object{{"name", "root"},
                   {"version", "1.4.0"},
                   {"revision", 482113},
                   {"nodes", {{"total", 315}, {"up", 315}}},
                   {"targets", {{"total", 725}, {"running", 700}, {"exited", 25}}}};
  EXPECT_EQ(render_status(status, view_of(false)),
            "● root is healthy: 315 of 315 nodes up, 725 of 725 targets as wanted\n\n"
            "nodes     315 up\n"
            "targets   700 running, 25 exited\n"
            "root      1.4.0, revision 482113\n");
  EXPECT_FALSE(has_open_outage(status));
}

TEST(RenderStatus, HasAParagraphForEachOpenOutage) {
  const json::value status =
      json::object{{"nodes", {{"total", 27}, {"up", 1}, {"lost", 1}, {"unreachable", 25}}},
                   {"targets", {{"total", 75}, {"presumed", 75}}},
                   {"outages",
                    {json::object{{"root_cause", "iad/r3"},
                                  {"kind", "node_lost"},
                                  {"closed", nullptr},
                                  {"opened", "2026-03-01T12:00:02Z"},
                                  {"evidence", {"connection reset"}},
                                  {"affected", {{"nodes", 25}, {"targets", 75}}}}}}};
  EXPECT_EQ(render_status(status, view_of(false)),
            "✗ 1 outage: 1 of 27 nodes up, 0 of 75 targets as wanted\n\n"
            "✗ iad/r3  node lost      4m10s\n"
            "    25 nodes behind it are unreachable, 75 targets presumed.\n"
            "    connection reset\n\n"
            "nodes     1 up, 1 lost, 25 unreachable\n"
            "targets   75 presumed\n"
            "more      banyan describe iad/r3\n");
}

TEST(FailureOfAnswer, MapsStatusToExitCode) {
  EXPECT_EQ(failure_of_answer(403, "{}", {"stop", "x"}).code, exit_denied);
  EXPECT_EQ(failure_of_answer(404, "no json", {"stop", "x"}).code, exit_no_match);
  EXPECT_EQ(failure_of_answer(400, R"({"detail":"bad selector"})", {"stop", "["}).message,
            "bad selector");
  EXPECT_EQ(failure_of_answer(503, "", {"stop", "x"}).code, exit_unreachable);
}

TEST(FailureOfAnswer, OffersAllOfSeveralNearOnes) {
  const auto failure =
      failure_of_answer(404, R"({"candidates":["a/ledger","b/ledger"]})", {"restart", "ledgr"});
  EXPECT_EQ(failure.message, "nothing is called \"ledgr\"");
  EXPECT_EQ(failure.steps.front().second, "a/ledger  (and 1 more: '**/ledger')");
}

TEST(FailureOfAnswer, KeepsHintsForRestToItself) {
  const auto failure = failure_of_answer(404, R"({"hint":"GET /api/v1/tree shows what there is"})",
                                         {"restart", "nosuch"});
  EXPECT_EQ(failure.steps.size(), 1U);
}

TEST(Arguments, HelpIsAVerbToo) {
  EXPECT_THAT(parse_arguments({"help", "logs"})->help,
              testing::HasSubstr("Usage: banyan logs [OPTIONS]"));
  EXPECT_THAT(parse_arguments({"help"})->help, testing::HasSubstr("Subcommands:"));
}

TEST(Arguments, AnUnknownOptionPointsToTheHelpOfItsVerb) {
  const auto parsed = parse_arguments({"status", "--foo"});
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().steps.front().second, "banyan status --help");
}

TEST(Selectors, AreJoinedWithCommasAndLabelsFollow) {
  EXPECT_EQ(join_selectors({"a/b", "@down"}, {"k=v", "x!=y"}), "a/b,@down -l k=v -l x!=y");
  EXPECT_EQ(join_selectors({}, {"k=v"}), "-l k=v");
  EXPECT_EQ(with_query("/x", {{"select", "a/b,@c"}, {"none", ""}}), "/x?select=a%2Fb%2C%40c");
}

TEST(Address, TakesHttpAndUnixAndRefusesTheRest) {
  EXPECT_EQ(parse_address("http://h:1/")->base, "http://h:1");
  EXPECT_EQ(parse_address("h:1")->base, "http://h:1");
  EXPECT_EQ(parse_address("unix:///run/x")->unix_socket, "/run/x");
  EXPECT_FALSE(parse_address("unix://x"));
  EXPECT_FALSE(parse_address("ftp://x"));
}

TEST(Arguments, OptionsMayStandOnBothSidesOfTheVerb) {
  const auto parsed = parse_arguments(
      {"--url", "u", "logs", "a/b", "-l", "k=v", "c", "-f", "-n", "5", "-o", "raw"});
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->url, "u");
  EXPECT_EQ(parsed->selectors, (std::vector<std::string>{"a/b", "c"}));
  EXPECT_EQ(parsed->labels, std::vector<std::string>{"k=v"});
  EXPECT_TRUE(parsed->log.follow);
  EXPECT_EQ(parsed->log.tail, "5");
  EXPECT_EQ(parsed->output, Output::raw);
}

TEST(Arguments, RefuseWithExitCodeTwo) {
  for (const std::vector<std::string>& words : {std::vector<std::string>{"stauts"},
                                                {"status", "--bad"},
                                                {"get"},
                                                {},
                                                {"stop", "x", "--timeout", "soon"},
                                                {"stop", "x", "--wait", "--no-wait"}}) {
    const auto parsed = parse_arguments(words);
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error().code, exit_usage);
  }
}

}  // namespace
}  // namespace banyan::cli
