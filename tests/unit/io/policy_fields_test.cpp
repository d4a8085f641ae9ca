// The keys of a target's policy, as a person writes them.

#include "leaf/io/policy_fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "leaf/io/target_reader.h"

namespace banyan::leaf::io {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

LeafConfig load(const std::string& text) {
  banyan::io::ConfigInput input;
  input.files.push_back({"leaf.toml", text});
  input.host_name = "web-1";
  input.directory = "/";
  return load_leaf_config(input);
}

std::vector<std::string> texts(const LeafConfig& leaf) {
  std::vector<std::string> list;
  for (const auto& problem : leaf.problems) list.push_back(problem.text);
  return list;
}

// One target `a` with these keys.
LeafConfig with(const std::string& keys) {
  return load("[[targets]]\nname = \"a\"\ncommand = \"x\"\n" + keys + "\n");
}

TargetConfig only(const std::string& keys) {
  const auto leaf = with(keys);
  EXPECT_THAT(texts(leaf), IsEmpty()) << keys;
  return leaf.targets.at(0);
}

TEST(PolicyFields, ReadsEveryKindOfReadiness) {
  EXPECT_EQ(only("ready = { notify = true }").ready.check.kind, CheckKind::notify);
  EXPECT_EQ(only("ready = { fd = 5 }").ready.check.fd, 5);
  const auto exec =
      only("ready = { exec = \"pg_isready -q\", every = \"1s\", timeout = 20 }").ready;
  EXPECT_THAT(exec.check.exec, ElementsAre("pg_isready", "-q"));
  EXPECT_EQ(exec.every, seconds{1});
  EXPECT_EQ(exec.timeout, seconds{20});
  const auto tcp = only("ready = { tcp = 8080 }").ready.check;
  EXPECT_EQ(tcp.host, "127.0.0.1");
  EXPECT_EQ(tcp.port, 8080);
  EXPECT_EQ(only("ready = { tcp = \"[::1]:99\" }").ready.check.host, "::1");
  EXPECT_EQ(only("ready = { log = \"^listening on \" }").ready.check.pattern, "^listening on ");
  EXPECT_EQ(only("start_timeout = \"5s\"").ready.timeout, seconds{5});
}

TEST(PolicyFields, ReadsAddressesOfHttp) {
  const auto full = only("ready = { http = \"http://db:81/x?y=1\" }").ready.check;
  EXPECT_EQ(full.kind, CheckKind::http);
  EXPECT_EQ(full.host, "db");
  EXPECT_EQ(full.port, 81);
  EXPECT_EQ(full.path, "/x?y=1");
  const auto brief = only("ready = { http = \":8080\" }").ready.check;
  EXPECT_EQ(brief.host, "127.0.0.1");
  EXPECT_EQ(brief.path, "/");
  EXPECT_EQ(only("ready = { http = \"http://db/x\" }").ready.check.port, 80);
}

TEST(PolicyFields, ReadsHealthWatchdogAndStrategy) {
  const auto target = only(R"(
health.exec = ["check_x", "-w", "1"]
health.every = "5s"
health.timeout = "2s"
health.delay = "1m"
health.failures = 2
health.restart = true
watchdog = "30s"
strategy = "rest-for-one"
strategy_group = "front")");
  EXPECT_THAT(target.health.check.exec, ElementsAre("check_x", "-w", "1"));
  EXPECT_EQ(target.health.check.timeout, seconds{2});
  EXPECT_EQ(target.health.every, seconds{5});
  EXPECT_EQ(target.health.delay, seconds{60});
  EXPECT_EQ(target.health.failures, 2U);
  EXPECT_TRUE(target.health.restart);
  EXPECT_EQ(target.watchdog, seconds{30});
  EXPECT_EQ(target.strategy, Strategy::rest_for_one);
  EXPECT_EQ(target.strategy_group, "front");
}

TEST(PolicyFields, ReadsLimitsThatRestart) {
  EXPECT_FALSE(only("").restart_on.any());
  const auto both =
      only("restart_on = { memory = \"512MiB\", cpu = 1.5, for = \"1m\" }").restart_on;
  EXPECT_EQ(both.memory, 512U << 20U);
  EXPECT_DOUBLE_EQ(both.cpu, 1.5);
  EXPECT_EQ(both.hold, seconds{60});
  EXPECT_EQ(only("restart_on = { cpu = 2 }").restart_on.hold, seconds{30});
  for (const char* wrong : {"restart_on = {}", "restart_on = { for = 1 }", "restart_on = 5",
                            "restart_on = { cpu = \"1s\" }", "restart_on = { memory = 5 }",
                            "restart_on = { cpu = 1, every = 1 }"}) {
    EXPECT_FALSE(with(wrong).problems.empty()) << wrong;
  }
}

TEST(PolicyFields, RefusesWrongChecks) {
  const auto refused = [](const std::string& keys, const std::string& why) {
    EXPECT_THAT(texts(with(keys)), ElementsAre(HasSubstr(why))) << keys;
  };
  refused("ready = {}", "ready: expected one of notify, fd, exec, tcp, http, log");
  refused("ready = { notify = true, tcp = 80 }", "ready: expected one of notify");
  refused("ready = true", "expected a table");
  refused("ready = { fd = 2 }", "ready.fd = 2: expected a descriptor from 3 to 63");
  refused("ready = { tcp = 0 }", "not a port");
  refused("ready = { tcp = \"db\" }", "not a port");
  refused("ready = { http = \"https://x/\" }", "only http is asked");
  refused("ready = { http = \":80/a b\" }", "blanks");
  refused("ready = { log = \"(\" }", "not a pattern");
  refused("health = { notify = true, exec = \"x\" }", "unknown key \"health.notify\"");
  refused("health = { exec = \"x\", failures = 0 }", "an integer from 1 to 1000");
  refused("start_timeout = 5\nready = { tcp = 1, timeout = 5 }", "are the same; give one");
  refused("strategy = \"all\"", "one-for-one, rest-for-one or all-for-one");
}

TEST(PolicyFields, ReadsAStopSequence) {
  const auto target = only("stop_signal = [\"INT\", \"2s\", \"TERM\", 1]");
  EXPECT_EQ(target.stop_signal, 2);
  EXPECT_THAT(target.stop_more, ElementsAre(StopStep{seconds{2}, 15}, StopStep{Duration{0}, 1}));
  for (const auto* wrong : {"[]", "[\"2s\", \"INT\"]", "[\"INT\", \"2s\"]",
                            "[\"INT\", \"1s\", \"1s\", \"TERM\"]", "[\"INT\", \"x\", \"TERM\"]"}) {
    EXPECT_THAT(texts(with(std::string{"stop_signal = "} + wrong)),
                ElementsAre(HasSubstr("with pauses between")))
        << wrong;
  }
  EXPECT_THAT(texts(with("stop_signal = [\"INT\", \"10s\", \"TERM\"]")),
              ElementsAre(HasSubstr("its pauses take 10s, but KILL comes after")));
}

TEST(PolicyFields, AScheduledTargetIsNotRunAgainUnlessToldSo) {
  const auto target = only("schedule = \"*/5 * * * *\"");
  EXPECT_TRUE(target.schedule.has_value());
  EXPECT_EQ(target.restart, RestartPolicy::never);
  EXPECT_EQ(only("schedule = \"@daily\"\nrestart = \"on-failure\"").restart,
            RestartPolicy::on_failure);
  EXPECT_THAT(texts(with("schedule = \"@daily\"\nrestart = \"always\"")),
              ElementsAre(HasSubstr("it would never rest")));
  EXPECT_THAT(texts(with("schedule = \"61 * * * *\"")), ElementsAre(HasSubstr("not a minute")));
}

TEST(PolicyFields, MakesInstances) {
  const auto leaf = load(R"(
[[targets]]
name = "web"
command = "x"
depends = "api"
[[targets]]
name = "api"
command = "x"
instances = 2
)");
  EXPECT_THAT(texts(leaf), IsEmpty());
  ASSERT_EQ(leaf.targets.size(), 3U);
  EXPECT_EQ(leaf.targets[1].name, "api.1");
  EXPECT_EQ(leaf.targets[2].name, "api.2");
  EXPECT_THAT(leaf.targets[0].depends, ElementsAre("api.1", "api.2"));
}

TEST(PolicyFields, EachTargetKnowsItsGroup) {
  EXPECT_EQ(only("").group, "a");
  const auto three = with("instances = 3");
  for (const auto& target : three.targets) EXPECT_EQ(target.group, "a") << target.name;
}

TEST(PolicyFields, RefusesUnknownAndCircularDependencies) {
  const auto leaf = load(R"(
[[targets]]
name = "web"
command = "x"
depends = ["apo"]
[[targets]]
name = "api"
command = "x"
depends = ["db"]
[[targets]]
name = "db"
command = "x"
depends = ["api"]
[[targets]]
name = "own"
command = "x"
depends = ["own"]
)");
  EXPECT_THAT(
      texts(leaf),
      ElementsAre("leaf.toml:2:1: target \"web\" depends on \"apo\", which is no target of this "
                  "leaf; did you mean \"api\"?",
                  "leaf.toml:6:1: target \"api\" depends in a circle: api -> db -> api",
                  "leaf.toml:14:1: target \"own\" depends in a circle: own -> own"));
}

}  // namespace
}  // namespace banyan::leaf::io
