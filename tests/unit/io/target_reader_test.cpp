#include "leaf/io/target_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace banyan::leaf::io {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

LeafConfig load(std::string text, std::vector<std::string> sets = {}) {
  banyan::io::ConfigInput input;
  input.files.push_back({"leaf.toml", std::move(text)});
  input.sets = std::move(sets);
  input.host_name = "web-1";
  input.directory = "/";
  return load_leaf_config(input);
}

std::vector<std::string> texts(const LeafConfig& leaf) {
  std::vector<std::string> list;
  for (const auto& problem : leaf.problems) list.push_back(problem.text);
  return list;
}

TEST(TargetReader, TakesCanopysKeysAsTheyAre) {
  const auto leaf = load(R"(
host = "0.0.0.0"
port = 50010
parent_host = "127.0.0.1"
parent_port = 50007
app_name = "api"
hb_interval = 3
timeout = 5
silent = false
is_leaf = true
target = "python3 -m http.server '80 80'"
bufsize = 10
)");
  EXPECT_THAT(texts(leaf), IsEmpty());
  ASSERT_EQ(leaf.targets.size(), 1U);
  EXPECT_EQ(leaf.targets[0].name, "api");
  EXPECT_THAT(leaf.targets[0].command, ElementsAre("python3", "-m", "http.server", "80 80"));
  EXPECT_EQ(leaf.log_tail, 10);
  EXPECT_EQ(leaf.node.parents.at(0).port, 50007);
}

TEST(TargetReader, NamesAShortTargetAfterItsProgram) {
  const auto leaf = load("target = [\"/usr/bin/My App\", \"x y\"]");
  ASSERT_EQ(leaf.targets.size(), 1U);
  EXPECT_EQ(leaf.targets[0].name, "my-app");
  EXPECT_EQ(leaf.targets[0].labels.at("title"), "My App");
  EXPECT_THAT(leaf.targets[0].command, ElementsAre("/usr/bin/My App", "x y"));
}

TEST(TargetReader, TakesAnyBareTextAsTarget) {
  EXPECT_THAT(load("", {"target=true"}).targets.at(0).command, ElementsAre("true"));
  EXPECT_THAT(load("", {"target=sleep 60"}).targets.at(0).command, ElementsAre("sleep", "60"));
}

TEST(TargetReader, ReadsEveryKeyOfATarget) {
  const auto leaf = load(R"(
[[targets]]
name = "web"
command = ["nginx", "-g", "daemon off;"]
cwd = "/srv"
env = { A = "1" }
umask = "027"
autostart = false
restart = "on-failure"
success_codes = [0, 3]
backoff = "50ms..2m"
max_restarts = "5/1m"
stop_signal = "QUIT"
stop_timeout = 2.5
labels = { tier = "front" }
log = { max_size = "1MiB", max_files = 3 }
)");
  EXPECT_THAT(texts(leaf), IsEmpty());
  TargetConfig wanted;
  wanted.name = "web";
  wanted.group = "web";
  wanted.command = {"nginx", "-g", "daemon off;"};
  wanted.cwd = "/srv";
  wanted.env = {{"A", "1"}};
  wanted.umask = 027;
  wanted.autostart = false;
  wanted.restart = RestartPolicy::on_failure;
  wanted.success_codes = {0, 3};
  wanted.backoff = {milliseconds{50}, seconds{120}};
  wanted.max_restarts = {5, seconds{60}};
  wanted.stop_signal = 3;
  wanted.stop_timeout = milliseconds{2500};
  wanted.labels = {{"tier", "front"}};
  wanted.log = {1U << 20, 3};
  ASSERT_EQ(leaf.targets.size(), 1U);
  EXPECT_EQ(leaf.targets[0], wanted);
}

TEST(TargetReader, ReportsEveryProblemOfEveryTarget) {
  const auto leaf = load(R"([[targets]]
name = "a"
command = "echo 'x"
restart = "sometimes"
stop_timeout = "5 sec"
stop_signal = "TERMINATE"
umask = "9"
backoff = "5s..1s"
max_restarts = "5"
[[targets]]
comand = "x"
name = "b"
state = true
log = { max_sise = 1, rate = 5 }
env = { BANYAN_TARGET = "x" }
)");
  EXPECT_THAT(
      texts(leaf),
      ElementsAre(
          HasSubstr("leaf.toml:3:11: command = \"echo 'x\": unterminated single quote at column 6"),
          "leaf.toml:4:11: restart = \"sometimes\": expected always, on-failure or never",
          "leaf.toml:5:16: stop_timeout = \"5 sec\": not a duration; write \"5s\" or 5.0",
          "leaf.toml:6:15: stop_signal = \"TERMINATE\": not a signal; write \"TERM\" or 15",
          "leaf.toml:7:9: umask = \"9\": not a umask; write \"022\" or 0o022",
          HasSubstr("leaf.toml:8:11: backoff = \"5s..1s\": the longest delay is shorter"),
          HasSubstr("leaf.toml:9:16: max_restarts = \"5\": expected restarts per time"),
          HasSubstr("leaf.toml:10:1: a target without command"),
          "leaf.toml:11:1: unknown key \"comand\"; did you mean \"command\"?",
          "leaf.toml:13:1: key \"state\" is not supported by this version",
          "leaf.toml:14:9: unknown key \"log.max_sise\"; did you mean \"log.max_size\"?",
          HasSubstr("leaf.toml:14:30: log.rate = 5: expected"),
          "leaf.toml:15:1: env.BANYAN_TARGET is set by banyan itself"));
}

TEST(TargetReader, NamesBothPlacesOfADuplicateName) {
  const auto leaf = load(R"(target = "a"
[[targets]]
name = "A"
command = "x"
)");
  EXPECT_THAT(texts(leaf),
              ElementsAre("leaf.toml:2:1: two targets are named \"a\": this one and the one at "
                          "leaf.toml:1:10"));
}

TEST(TargetReader, JoinsTargetsOfSeveralFiles) {
  banyan::io::ConfigInput input;
  input.files = {{"a.toml", "[[targets]]\nname = \"a\"\ncommand = \"a\"\n"},
                 {"b.toml", "[[targets]]\nname = \"b\"\ncommand = \"b\"\n"}};
  const auto leaf = load_leaf_config(input);
  EXPECT_EQ(leaf.targets.size(), 2U);
}

TEST(TargetReader, HelpsWithKeysInTheWrongPlace) {
  EXPECT_THAT(texts(load("restart = \"never\"\ntarget = \"x\"")),
              ElementsAre("leaf.toml:1:1: key \"restart\" belongs to a target: write it under "
                          "[[targets]]"));
  EXPECT_THAT(texts(load("app_name = \"x\"")), ElementsAre(HasSubstr("app_name without target")));
  EXPECT_THAT(texts(load("targets = 5")), ElementsAre(HasSubstr("expected tables")));
}

TEST(TargetReader, BackoffZeroMeansAlwaysImmediate) {
  const auto leaf = load("[[targets]]\nname = \"a\"\ncommand = \"a\"\nbackoff = 0\n");
  EXPECT_THAT(texts(leaf), IsEmpty());
  EXPECT_EQ(leaf.targets.at(0).backoff.min, Duration{0});
}

TEST(TargetReader, KeepsTargetsWhenTheAgentDiesUnlessToldOtherwise) {
  const auto leaf = load(R"(spill_max = "2MiB"
[[targets]]
name = "a"
command = "a"
[[targets]]
name = "b"
command = "b"
on_agent_death = "kill"
)");
  EXPECT_THAT(texts(leaf), IsEmpty());
  EXPECT_TRUE(leaf.keeper);
  EXPECT_EQ(leaf.spill_max, 2U << 20);
  EXPECT_EQ(leaf.targets.at(0).on_agent_death, AgentDeath::keep);
  EXPECT_EQ(leaf.targets.at(1).on_agent_death, AgentDeath::kill);
}

TEST(TargetReader, WithoutKeeperNobodyCouldEndATarget) {
  EXPECT_THAT(texts(load("keeper = false\ntarget = \"x\"")), IsEmpty());
  EXPECT_THAT(texts(load("keeper = false\n[[targets]]\nname = \"b\"\ncommand = \"b\"\n"
                         "on_agent_death = \"kill\"\n")),
              ElementsAre(HasSubstr("keeper = false: nobody could end b")));
}

}  // namespace
}  // namespace banyan::leaf::io
