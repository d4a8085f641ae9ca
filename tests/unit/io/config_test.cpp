#include "common/io/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/io/config_address.h"

namespace banyan::io {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

ConfigInput input_of(std::string text) {
  ConfigInput input;
  input.files.push_back({"node.toml", std::move(text)});
  input.environment = {{"HOME", "/home/ann"}};
  input.host_name = "web-1";
  input.directory = "/srv";
  return input;
}

std::vector<std::string> texts(const ConfigProblems& problems) {
  std::vector<std::string> list;
  for (const auto& problem : problems) list.push_back(problem.text);
  return list;
}

std::vector<std::string> problems_of(ConfigRole role, std::string text) {
  return texts(load_node_config(role, input_of(std::move(text))).problems);
}

TEST(Config, WithoutAnyFileThereAreDefaults) {
  ConfigInput input;
  input.host_name = "Web-1.Example.com";
  input.super_user = true;
  const auto loaded = load_node_config(ConfigRole::root, input);
  EXPECT_THAT(texts(loaded.problems), IsEmpty());
  EXPECT_EQ(loaded.node.name, "web-1.example.com");
  EXPECT_EQ(loaded.node.labels.at("title"), "Web-1.Example.com");
  EXPECT_EQ(loaded.node.host, "127.0.0.1");
  EXPECT_EQ(loaded.node.port, 7400);
  EXPECT_EQ(loaded.node.http_port, 7480);
  EXPECT_TRUE(loaded.node.http);
  EXPECT_EQ(loaded.node.hb_interval, seconds{1});
  EXPECT_EQ(loaded.node.state_dir, "/var/lib/banyan/web-1.example.com");
}

TEST(Config, ReadsEveryKeyOfARelay) {
  const auto loaded = load_node_config(ConfigRole::relay, input_of(R"(
name = "dc1"
host = "localhost"
port = 7401
parent_host = "10.0.0.1"
parent_port = 7399
app_name = "ignored"
bufsize = 10
is_leaf = false
hb_interval = 0.25
timeout = "2s"
grace = "500ms"
silent = true
log_level = "debug"
labels = { env = "prod" }
state_dir = "state/dc1/"
keep_targets = true
http_port = 0
allowed_hosts = ["banyan.example.com"]
)"));
  EXPECT_THAT(texts(loaded.problems), IsEmpty());
  const auto& node = loaded.node;
  EXPECT_EQ(node.name, "dc1");
  EXPECT_EQ(node.port, 7401);
  ASSERT_EQ(node.parents.size(), 1U);
  EXPECT_EQ(node.parents[0].host, "10.0.0.1");
  EXPECT_EQ(node.parents[0].port, 7399);
  EXPECT_EQ(node.hb_interval, milliseconds{250});
  EXPECT_EQ(node.timeout, seconds{2});
  EXPECT_EQ(node.grace, milliseconds{500});
  EXPECT_TRUE(node.silent);
  EXPECT_EQ(node.log_level, "debug");
  EXPECT_EQ(node.labels.at("env"), "prod");
  EXPECT_EQ(node.state_dir, "/srv/state/dc1");
  EXPECT_TRUE(node.keep_targets);
  EXPECT_TRUE(node.http);
  EXPECT_EQ(node.http_port, 0);
  EXPECT_THAT(node.allowed_hosts, ElementsAre("banyan.example.com"));
}

TEST(Config, ReportsEveryProblemWithItsPlaceInOrder) {
  const auto problems = problems_of(ConfigRole::root, R"(name = 5
hb_intervall = 1.0
timeout = "5 sec"
port = 65536
silent = "yes"
log_level = "warn"
)");
  EXPECT_THAT(problems,
              ElementsAre("node.toml:1:8: name = 5: expected a string",
                          "node.toml:2:1: unknown key \"hb_intervall\"; did you mean "
                          "\"hb_interval\"?",
                          "node.toml:3:11: timeout = \"5 sec\": not a duration; write \"5s\" or "
                          "5.0",
                          "node.toml:4:8: port = 65536: expected an integer from 0 to 65535",
                          "node.toml:5:10: silent = \"yes\": expected true or false",
                          "node.toml:6:13: log_level = \"warn\": expected debug, info, warning or "
                          "error"));
}

TEST(Config, ReportsASyntaxErrorWithItsPlace) {
  const auto problems = problems_of(ConfigRole::root, "name = \"a\"\nport = = 1\n");
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_THAT(problems[0], HasSubstr("node.toml:2:8: "));
}

TEST(Config, RefusesKeysOfLaterVersionsByName) {
  EXPECT_THAT(problems_of(ConfigRole::root, "[limits]\nurl = \"x\"\n[[rules]]\nname = \"r\"\n"),
              ElementsAre("node.toml:1:2: key \"limits\" is not supported by this version",
                          "node.toml:3:3: key \"rules\" is not supported by this version"));
}

TEST(Config, AStoreStandsInTheStateDirectoryUnlessToldOtherwise) {
  const auto plain = load_node_config(ConfigRole::root, input_of("state_dir = \"/s\""));
  EXPECT_EQ(plain.node.store.path, "/s/store.sqlite");
  const auto told = load_node_config(
      ConfigRole::root,
      input_of("[store]\nurl = \"sqlite:///a/b\"\nkeep = \"30d\"\nkeep_events = 9\n"));
  EXPECT_THAT(texts(told.problems), IsEmpty());
  EXPECT_EQ(told.node.store.path, "/a/b");
  EXPECT_EQ(told.node.store.keep_age, std::chrono::hours{720});
  EXPECT_EQ(told.node.store.keep_events, 9);
  EXPECT_THAT(problems_of(ConfigRole::root, "[store]\nurl = \"mysql://x\"\nkep = 1\n"),
              ElementsAre(HasSubstr("expected \"sqlite:///\""), HasSubstr("store.kep")));
  EXPECT_THAT(problems_of(ConfigRole::root, "store = 1\n"),
              ElementsAre(HasSubstr("expected a table")));
  EXPECT_THAT(problems_of(ConfigRole::leaf, "[store]\nkeep = 60\n"),
              ElementsAre(HasSubstr("belongs to banyan-root")));
}

TEST(Config, SaysWhoseAKeyIs) {
  EXPECT_THAT(problems_of(ConfigRole::root, "parent_host = \"a\"\n"),
              ElementsAre("node.toml:1:1: key \"parent_host\" belongs to banyan-relay and "
                          "banyan-leaf: a root has no parent"));
  EXPECT_THAT(problems_of(ConfigRole::relay, "target = \"a\"\n"),
              ElementsAre("node.toml:1:1: key \"target\" belongs to banyan-leaf: only a leaf runs "
                          "targets"));
}

TEST(Config, RefusesIsLeafThatContradictsTheProgram) {
  const auto problems = problems_of(ConfigRole::relay, "is_leaf = true");
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_THAT(problems[0], HasSubstr("this is banyan-relay; start banyan-leaf"));
}

TEST(Config, RefusesAddressesThatOthersCanReach) {
  const auto tree = problems_of(ConfigRole::relay, "host = \"0.0.0.0\"");
  ASSERT_EQ(tree.size(), 1U);
  EXPECT_THAT(tree[0], HasSubstr("no keys are configured"));
  EXPECT_THAT(tree[0], HasSubstr("write host = \"127.0.0.1\""));
  const auto http = problems_of(ConfigRole::root, "http_host = \"::\"");
  ASSERT_EQ(http.size(), 1U);
  EXPECT_THAT(http[0], HasSubstr("no tokens are configured"));
}

TEST(Config, RefusesATimeoutThatIsNotLongerThanTheInterval) {
  EXPECT_THAT(problems_of(ConfigRole::root, "hb_interval = 5\ntimeout = 5"),
              ElementsAre(HasSubstr("node.toml:2:1: timeout (5s) must be longer than hb_interval "
                                    "(5s)")));
  EXPECT_THAT(problems_of(ConfigRole::root, "hb_interval = 7.5"),
              ElementsAre(HasSubstr("node.toml:1:1: timeout (5s) must be longer than hb_interval "
                                    "(7.5s)")));
}

TEST(Config, ChecksTheRangeOfDurations) {
  EXPECT_THAT(problems_of(ConfigRole::root, "hb_interval = \"19ms\""),
              ElementsAre("node.toml:1:15: hb_interval = \"19ms\": expected 20ms to 1h"));
  EXPECT_THAT(problems_of(ConfigRole::root, "hb_interval = -1"),
              ElementsAre("node.toml:1:15: hb_interval = -1: a duration is never negative"));
  EXPECT_THAT(problems_of(ConfigRole::root, "hb_interval = true"),
              ElementsAre("node.toml:1:15: hb_interval = true: expected a duration; write \"5s\" "
                          "or 5.0"));
}

TEST(Config, TakesAListOfParentsOrOneButNotBoth) {
  const auto loaded =
      load_node_config(ConfigRole::relay, input_of(R"(parents = ["a:1", "b", "[::1]:2"])"));
  ASSERT_EQ(loaded.node.parents.size(), 3U);
  EXPECT_EQ(loaded.node.parents[1].port, 7400);
  EXPECT_EQ(loaded.node.parents[2].host, "::1");
  EXPECT_THAT(problems_of(ConfigRole::relay, "parents = [\"a\"]\nparent_port = 1"),
              ElementsAre(HasSubstr("give one of the two")));
  EXPECT_THAT(problems_of(ConfigRole::relay, "parents = [\"a:b\", \"c:0\"]"),
              ElementsAre(HasSubstr(":1:12: parents = \"a:b\": not a port"),
                          HasSubstr(":1:19: parents = \"c:0\": not a port")));
}

TEST(Config, APortAloneMeansAParentOnThisHost) {
  const auto loaded = load_node_config(ConfigRole::relay, input_of("parent_port = 7405"));
  ASSERT_EQ(loaded.node.parents.size(), 1U);
  EXPECT_EQ(loaded.node.parents[0].host, "127.0.0.1");
  EXPECT_EQ(loaded.node.parents[0].port, 7405);
}

TEST(Config, MendsNamesAndKeepsTheOriginalAsTitle) {
  const auto loaded = load_node_config(
      ConfigRole::root, input_of("name = \"Data Centre 1\"\nlabels = { a = \"b\" }"));
  EXPECT_EQ(loaded.node.name, "data-centre-1");
  EXPECT_EQ(loaded.node.labels.at("title"), "Data Centre 1");
  EXPECT_EQ(loaded.node.labels.at("a"), "b");
}

TEST(Config, LabelsAreStrings) {
  EXPECT_THAT(problems_of(ConfigRole::root, "labels = { a = 1 }"),
              ElementsAre("node.toml:1:16: labels.a = 1: expected a string"));
}

TEST(Config, ChoosesTheStateDirectoryByUserAndEnvironment) {
  auto input = input_of("name = \"x\"");
  EXPECT_EQ(load_node_config(ConfigRole::root, input).node.state_dir,
            "/home/ann/.local/state/banyan/x");
  input.environment["XDG_STATE_HOME"] = "/xdg";
  EXPECT_EQ(load_node_config(ConfigRole::root, input).node.state_dir, "/xdg/banyan/x");
  input.super_user = true;
  EXPECT_EQ(load_node_config(ConfigRole::root, input).node.state_dir, "/var/lib/banyan/x");
}

TEST(ConfigOverrides, SetsWinOverTheEnvironmentWhichWinsOverFiles) {
  auto input = input_of("port = 1\nhttp_port = 2\nname = \"file\"");
  input.environment["BANYAN_PORT"] = "11";
  input.environment["BANYAN_HTTP_PORT"] = "12";
  input.sets = {"port=21"};
  const auto loaded = load_node_config(ConfigRole::root, input);
  EXPECT_THAT(texts(loaded.problems), IsEmpty());
  EXPECT_EQ(loaded.node.port, 21);
  EXPECT_EQ(loaded.node.http_port, 12);
  EXPECT_EQ(loaded.node.name, "file");
}

TEST(ConfigOverrides, TakeBareWordsAsStringsAndDottedKeysAsTables) {
  auto input = input_of("labels = { env = \"prod\" }");
  input.sets = {"name=dc1", "labels.tier=3", "hb_interval=250ms", "allowed_hosts=[\"a\"]"};
  input.environment["BANYAN_LABELS__ENV"] = "test";
  const auto loaded = load_node_config(ConfigRole::root, input);
  EXPECT_THAT(texts(loaded.problems), IsEmpty());
  EXPECT_EQ(loaded.node.name, "dc1");
  EXPECT_EQ(loaded.node.labels.at("tier"), "3");
  EXPECT_EQ(loaded.node.labels.at("env"), "test");
  EXPECT_EQ(loaded.node.hb_interval, milliseconds{250});
  EXPECT_THAT(loaded.node.allowed_hosts, ElementsAre("a"));
}

TEST(ConfigOverrides, ProblemsNameTheirSource) {
  auto input = input_of("");
  input.environment["BANYAN_PORT"] = "many";
  input.sets = {"tiemout=3", "timeout=abc", "nothing", ".=1", "port=1\nname=2"};
  EXPECT_THAT(texts(load_node_config(ConfigRole::root, input).problems),
              ElementsAre(HasSubstr("--set tiemout: unknown key \"tiemout\"; did you mean"),
                          HasSubstr("--set timeout: timeout = \"abc\": not a duration"),
                          HasSubstr("--set nothing: expected key=value"),
                          HasSubstr("--set .: expected key=value"),
                          HasSubstr("--set port: port = \"1\\x0aname=2\": expected an integer")));
  input.sets.clear();
  EXPECT_THAT(texts(load_node_config(ConfigRole::root, input).problems),
              ElementsAre(HasSubstr("environment BANYAN_PORT: port = \"many\": expected")));
}

TEST(ConfigOverrides, IgnoreVariablesThatAreNoConfiguration) {
  auto input = input_of("");
  for (const auto* name : {"BANYAN_TARGET", "BANYAN_SOCKET", "BANYAN_URL", "BANYAN_TOKEN",
                           "BANYAN_RULES", "BANYAN_SOMETHING", "BANYAN_", "BANYAN___X"}) {
    input.environment[name] = "x";
  }
  EXPECT_THAT(texts(load_node_config(ConfigRole::root, input).problems), IsEmpty());
}

TEST(ConfigFiles, LaterFilesWinAndTablesMerge) {
  auto input = input_of("name = \"a\"\nlabels = { x = \"1\", y = \"2\" }");
  input.files.push_back({"conf.d/10.toml", "name = \"b\"\nlabels = { y = \"3\" }\nprt = 1"});
  const auto loaded = load_node_config(ConfigRole::root, input);
  EXPECT_EQ(loaded.node.name, "b");
  EXPECT_EQ(loaded.node.labels.at("x"), "1");
  EXPECT_EQ(loaded.node.labels.at("y"), "3");
  EXPECT_THAT(texts(loaded.problems), ElementsAre(HasSubstr("conf.d/10.toml:3:1: unknown key")));
}

TEST(ConfigFiles, HostileTextNeverReachesTheTerminalAsItIs) {
  const auto problems = problems_of(ConfigRole::root, "\"\\u001b[31m\" = 1\n");
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_THAT(problems[0], HasSubstr("\\x1b[31m"));
  EXPECT_THAT(problems_of(ConfigRole::root, "host = \"a\\nb\""),
              ElementsAre(HasSubstr("host = \"a\\x0ab\"")));
}

TEST(ParseAddress, KnowsTheWrittenForms) {
  EXPECT_EQ(parse_address("::1")->host, "::1");
  EXPECT_EQ(parse_address("host:1")->port, 1);
  for (const auto* text : {"", ":1", "a:", "[::1", "[::1]x", "a b", "a:70000", "[::1]:"}) {
    EXPECT_FALSE(parse_address(text)) << text;
  }
}

TEST(IsLoopback, IsNotFooledByNames) {
  EXPECT_TRUE(is_loopback("localhost"));
  EXPECT_TRUE(is_loopback("127.8.9.1"));
  EXPECT_TRUE(is_loopback("::1"));
  for (const auto* host : {"127.evil.com", "0.0.0.0", "127.0.0.1.evil.com", "", "::", "127.1"}) {
    EXPECT_FALSE(is_loopback(host)) << host;
  }
}

}  // namespace
}  // namespace banyan::io
