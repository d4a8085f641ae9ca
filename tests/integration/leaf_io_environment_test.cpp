// What a target is given beside its command, seen from inside it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>

#include "tests/integration/leaf_io_world.h"

namespace banyan::leaf {
namespace {

using testing::HasSubstr;
using testing::Not;

bool is_root() { return ::geteuid() == 0; }

TEST(LaunchEnvironment, HasTheSecretsOfTheEnvFile) {
  World world;
  write_file(world.scratch / "secrets", "PASSWORD='hunter 2'\nCOLOUR=red\n");
  auto config = world.shell("echo $PASSWORD $COLOUR");
  config.process.env_file = world.scratch / "secrets";
  config.env = {{"COLOUR", "green"}};
  EXPECT_EQ(world.output_of(config), "hunter 2 green\n");
}

TEST(LaunchEnvironment, ReadsTheEnvFileAnewAtEachLaunch) {
  World world;
  auto config = world.shell("echo $PASSWORD");
  config.process.env_file = world.scratch / "secrets";
  write_file(config.process.env_file, "PASSWORD=one\n");
  EXPECT_EQ(world.output_of(config), "one\n");
  world.events.clear();
  write_file(config.process.env_file, "PASSWORD=two\n");
  EXPECT_EQ(world.output_of(config), "one\ntwo\n");
}

TEST(LaunchEnvironment, UnreadableEnvFileIsALaunchThatFailedAndShowsNoSecret) {
  World world;
  write_file(world.scratch / "secrets", "hunter2\n");
  auto config = world.target({"/bin/true"});
  config.process.env_file = world.scratch / "secrets";
  world.launch(config);
  const auto* failed = world.await<LaunchFailed>();
  ASSERT_NE(failed, nullptr);
  EXPECT_THAT(failed->text, HasSubstr("line 1 is not KEY=VALUE"));
  EXPECT_THAT(failed->text, Not(HasSubstr("hunter2")));
}

TEST(LaunchEnvironment, KeepsTheLeafsOwnServiceManagerToItself) {
  World world;
  ::setenv("NOTIFY_SOCKET", "/run/systemd/notify", 1);
  const auto seen = world.output_of(world.shell("echo [$NOTIFY_SOCKET]"));
  ::unsetenv("NOTIFY_SOCKET");
  EXPECT_EQ(seen, "[]\n");
}

TEST(LaunchEnvironment, BecomesTheUserWithAllItsGroups) {
  if (!is_root()) GTEST_SKIP() << "only the super-user may become another";
  World world;
  auto config = world.shell("id -u; id -g; id -G; echo $USER; umask");
  config.process.user = "nobody";
  config.process.groups = {"daemon"};
  config.umask = 077;
  EXPECT_EQ(world.output_of(config), "65534\n65534\n65534 1\nnobody\n0077\n");
}

TEST(LaunchEnvironment, LeafStaysDumpableWhenATargetChangesItsUser) {
  if (!is_root()) GTEST_SKIP() << "only the super-user may become another";
  World world;
  const int before = ::prctl(PR_GET_DUMPABLE);
  auto config = world.target({"/bin/true"});
  config.process.user = "nobody";
  world.output_of(config);
  EXPECT_EQ(::prctl(PR_GET_DUMPABLE), before);
}

TEST(LaunchEnvironment, AppliesLimitsPrioritiesAndPrivileges) {
  World world;
  auto config = world.shell(
      "ulimit -Sn; ulimit -Hn; ulimit -c; nice; ionice; cat /proc/self/oom_score_adj; "
      "grep NoNewPrivs /proc/self/status");
  config.process.limits = {{ResourceKind::nofile, {100, 200}}, {ResourceKind::core, {0, 0}}};
  config.process.nice = 3;
  config.process.io_priority = IoPriority{IoClass::best_effort, 6};
  config.process.oom_score_adj = 700;
  config.process.no_new_privs = true;
  EXPECT_EQ(world.output_of(config), "100\n200\n0\n3\nbest-effort: prio 6\n700\nNoNewPrivs:\t1\n");
}

TEST(LaunchEnvironment, DoesNotTouchTheLeafsOwnOomScore) {
  World world;
  const auto before = contents("/proc/self/oom_score_adj");
  auto config = world.target({"/bin/true"});
  config.process.oom_score_adj = 900;
  world.output_of(config);
  EXPECT_EQ(contents("/proc/self/oom_score_adj"), before);
}

TEST(LaunchEnvironment, TellsARefusedLimitApart) {
  World world;
  auto config = world.target({"/bin/true"});
  rlimit own = {};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &own), 0);
  // Above the system's own ceiling: refused to everyone.
  config.process.limits = {{ResourceKind::core, {0, 0}},
                           {ResourceKind::nofile, {1ULL << 40, 1ULL << 40}}};
  world.launch(config);
  const auto* failed = world.await<LaunchFailed>();
  ASSERT_NE(failed, nullptr);
  EXPECT_EQ(failed->text, "limits.nofile: Operation not permitted (EPERM)");
  EXPECT_EQ(failed->error_number, EPERM);
}

TEST(LaunchEnvironment, NamesAUserThatIsGone) {
  World world;
  auto config = world.target({"/bin/true"});
  config.process.user = "no-such-user";
  world.launch(config);
  const auto* failed = world.await<LaunchFailed>();
  ASSERT_NE(failed, nullptr);
  EXPECT_THAT(failed->text, HasSubstr("no such user (no-such-user)"));
}

TEST(LaunchEnvironment, FailsInTheWorkingDirectoryAsTheUserWhoMayNotEnter) {
  if (!is_root()) GTEST_SKIP() << "only the super-user may become another";
  World world;
  ASSERT_EQ(::mkdir((world.scratch / "private").c_str(), 0700), 0);
  auto config = world.target({"/bin/true"});
  config.cwd = world.scratch / "private";
  config.process.user = "nobody";
  world.launch(config);
  const auto* failed = world.await<LaunchFailed>();
  ASSERT_NE(failed, nullptr);
  EXPECT_THAT(failed->text, HasSubstr("chdir " + config.cwd + ": Permission denied (EACCES)"));
}

TEST(LaunchEnvironment, GivesAFileAsStandardInput) {
  World world;
  write_file(world.scratch / "input", "first\nsecond\n");
  auto config = world.target({"cat"});
  config.process.input = world.scratch / "input";
  EXPECT_EQ(world.output_of(config), "first\nsecond\n");
}

TEST(LaunchEnvironment, NamedPipeAsInputDoesNotHoldUpTheLeaf) {
  World world;
  ASSERT_EQ(::mkfifo((world.scratch / "pipe").c_str(), 0600), 0);
  auto config = world.target({"cat"});
  config.process.input = world.scratch / "pipe";
  world.launch(config);
  ASSERT_NE(world.await<Launched>(), nullptr);
}

TEST(LaunchEnvironment, ReadyDescriptorHasTheAskedNumberAndNoneElseIsOpen) {
  World world;
  Launcher launcher(world.instance);
  for (const int number : {3, 4, 9}) {
    LaunchExtras extras;
    extras.ready_number = number;
    auto config = world.shell(fmt::format("ls /proc/self/fd | tr '\\n' ' ' >&{}", number));
    auto launched = launcher.launch(config, 1, std::move(extras));
    ASSERT_TRUE(launched) << launched.error().text;
    char buffer[256];
    ssize_t size = -1;
    world.run_until([&] { return (size = ::read(launched->ready_fd.get(), buffer, 256)) >= 0; });
    // ls itself reads the directory by the lowest free one.
    const auto expected = number <= 4 ? "0 1 2 3 4 " : fmt::format("0 1 2 3 {} ", number);
    EXPECT_EQ(std::string(buffer, static_cast<std::size_t>(size)), expected);
  }
}

TEST(LaunchEnvironment, PutsThePidWhereItIsAskedFor) {
  World world;
  Launcher launcher(world.instance);
  LaunchExtras extras;
  extras.environment = {{"WATCHDOG_PID", ""}, {"WATCHDOG_USEC", "2000000"}};
  const auto path = world.scratch / "pid";
  auto config = world.shell("echo $WATCHDOG_PID $$ $WATCHDOG_USEC > " + path + ".new; mv " + path +
                            ".new " + path);
  auto launched = launcher.launch(config, 1, std::move(extras));
  ASSERT_TRUE(launched);
  ASSERT_TRUE(world.run_until([&] { return !contents(path).empty(); }));
  EXPECT_EQ(contents(path), fmt::format("{0} {0} 2000000\n", launched->pid));
}

}  // namespace
}  // namespace banyan::leaf
