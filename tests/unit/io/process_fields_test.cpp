#include "leaf/io/process_fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "leaf/io/launch_environment.h"
#include "leaf/io/target_reader.h"

namespace banyan::leaf::io {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;
using testing::UnorderedElementsAre;

LeafConfig load(const std::string& keys) {
  banyan::io::ConfigInput input;
  input.files.push_back({"leaf.toml", "[[targets]]\nname = \"a\"\ncommand = \"a\"\n" + keys});
  input.host_name = "web-1";
  input.directory = "/";
  return load_leaf_config(input);
}

std::vector<std::string> problems_of(const std::string& keys) {
  std::vector<std::string> list;
  for (const auto& problem : load(keys).problems) list.push_back(problem.text);
  return list;
}

TEST(ProcessFields, ReadsWhatAProcessIsGiven) {
  const auto leaf = load(R"(user = "root"
group = "root"
groups = ["daemon"]
nice = -5
io_class = "best-effort:2"
oom_score_adj = 500
no_new_privs = true
stdin = "/etc/hostname"
limits.nofile = "1024:4096"
limits.core = 0
limits.as = "2GiB"
limits.cpu_time = "90s"
limits.memory = "64MiB"
limits.cpu = 1.5
on_start = ["/bin/true", "x"]
on_exit = "/bin/false y"
)");
  ASSERT_THAT(leaf.problems, IsEmpty()) << leaf.problems[0].text;
  ProcessConfig wanted;
  wanted.user = "root";
  wanted.group = "root";
  wanted.groups = {"daemon"};
  wanted.nice = -5;
  wanted.io_priority = IoPriority{IoClass::best_effort, 2};
  wanted.oom_score_adj = 500;
  wanted.no_new_privs = true;
  wanted.input = "/etc/hostname";
  wanted.limits = {{ResourceKind::nofile, {1024, 4096}},
                   {ResourceKind::core, {0, 0}},
                   {ResourceKind::as, {2ULL << 30, 2ULL << 30}},
                   {ResourceKind::cpu_time, {90, 90}}};
  wanted.memory_max = 64 << 20;
  wanted.cpu_max = 1.5;
  wanted.on_start = {"/bin/true", "x"};
  wanted.on_exit = {"/bin/false", "y"};
  EXPECT_EQ(leaf.targets.at(0).process, wanted);
}

TEST(ProcessFields, NamesAnUnknownUserWhenItIsRead) {
  EXPECT_THAT(problems_of("user = \"no-such-user\"\n"),
              ElementsAre(HasSubstr("leaf.toml:4:1: no such user (no-such-user)")));
  EXPECT_THAT(problems_of("groups = [\"no-such-group\"]\n"),
              ElementsAre(HasSubstr("no such group (no-such-group)")));
}

TEST(ProcessFields, NamesAnEnvFileThatCannotBeRead) {
  EXPECT_THAT(problems_of("env_file = \"/no/such\"\n"),
              ElementsAre(HasSubstr("cannot read env_file (/no/such): No such file")));
}

TEST(ProcessFields, RefusesLimitsThatMakeNoSense) {
  EXPECT_THAT(problems_of("limits = { nofile = \"9:5\" }\n"),
              ElementsAre(HasSubstr("the hard limit is below the soft one")));
  EXPECT_THAT(problems_of("limits = { nofile = \"64MiB\" }\n"),
              ElementsAre(HasSubstr("expected a number, \"unlimited\"")));
  EXPECT_THAT(problems_of("limits = { cpu = \"10s\" }\n"),
              ElementsAre(HasSubstr("a time is limits.cpu_time")));
  EXPECT_THAT(problems_of("limits = { nofiles = 5 }\n"),
              ElementsAre(HasSubstr("did you mean \"limits.nofile\"")));
}

TEST(ProcessFields, RefusesPrioritiesOutsideTheirRange) {
  EXPECT_THAT(problems_of("nice = 20\n"), ElementsAre(HasSubstr("nice = 20")));
  EXPECT_THAT(problems_of("io_class = \"best-effort:8\"\n"),
              ElementsAre(HasSubstr("not an I/O class")));
  EXPECT_THAT(problems_of("stdin = \"input.txt\"\n"),
              ElementsAre(HasSubstr("expected \"null\" or an absolute path")));
}

TEST(EnvFile, TakesLinesOfKeyAndValue) {
  const auto values = parse_env_file("# a comment\n\nA=1\nexport B = 'two words'\r\nC=\"x=y\"\nD=");
  ASSERT_TRUE(values);
  EXPECT_THAT(*values, UnorderedElementsAre(Pair("A", "1"), Pair("B", "two words"),
                                            Pair("C", "x=y"), Pair("D", "")));
}

TEST(EnvFile, NamesTheLineButNeverItsContent) {
  const auto values = parse_env_file("A=1\nhunter2\n");
  ASSERT_FALSE(values);
  EXPECT_EQ(values.error().text(), "line 2 is not KEY=VALUE");
  EXPECT_THAT(values.error().text(), Not(HasSubstr("hunter2")));
}

TEST(EnvFile, MayNotSetWhatBanyanSets) { EXPECT_FALSE(parse_env_file("BANYAN_TARGET=x")); }

}  // namespace
}  // namespace banyan::leaf::io
