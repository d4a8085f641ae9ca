// What a target inherits (nothing), and what the leaf hears of it.

#include "leaf/io/launcher.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>

#include "tests/integration/leaf_io_world.h"

namespace banyan::leaf {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::size_t open_descriptors() {
  const auto entries = std::filesystem::directory_iterator("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

bool has_children() {
  siginfo_t info = {};
  return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

std::string line_of(const std::string& text, const std::string& name) {
  const auto begin = text.find(name);
  return begin == std::string::npos ? "" : text.substr(begin, text.find('\n', begin) - begin);
}

TEST(Launcher, GivesTheTargetOnlyThreeDescriptors) {
  World world;
  std::vector<Descriptor> open_without_cloexec;
  for (int fd : {10, 200, 251}) {
    open_without_cloexec.emplace_back(::fcntl(2, F_DUPFD, fd));
  }
  // The descriptor 3 is that of ls itself, which reads the directory.
  EXPECT_EQ(world.output_of(world.target({"ls", "/proc/self/fd"})), "0\n1\n2\n3\n");
}

TEST(Launcher, GivesTheTargetDevNullAsStandardInput) {
  World world;
  EXPECT_EQ(world.output_of(world.target({"readlink", "/proc/self/fd/0"})), "/dev/null\n");
}

TEST(Launcher, ResetsSignalsOfTheParentAndKeepsTheParentsOwn) {
  World world;
  const auto old_pipe = std::signal(SIGPIPE, SIG_IGN);
  sigset_t blocked;
  sigset_t old_mask;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &blocked, &old_mask);

  const auto status = world.output_of(world.target({"cat", "/proc/self/status"}));
  EXPECT_EQ(line_of(status, "SigBlk"), "SigBlk:\t0000000000000000");
  EXPECT_EQ(line_of(status, "SigIgn"), "SigIgn:\t0000000000000000");

  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, &old_mask, &mask);
  EXPECT_TRUE(sigismember(&mask, SIGUSR1));
  EXPECT_FALSE(sigismember(&mask, SIGUSR2));
  EXPECT_EQ(std::signal(SIGPIPE, old_pipe), SIG_IGN);
}

TEST(Launcher, MakesTheTargetLeaderOfASessionAndGroup) {
  World world;
  // pid (comm) state ppid pgrp session tty
  std::istringstream stat(world.output_of(world.target({"cat", "/proc/self/stat"})));
  std::string pid, name, state, parent, group, session, terminal;
  stat >> pid >> name >> state >> parent >> group >> session >> terminal;
  EXPECT_EQ(pid, group);
  EXPECT_EQ(pid, session);
  EXPECT_EQ(terminal, "0");
  EXPECT_EQ(pid, std::to_string(world.last<Launched>()->pid));
}

TEST(Launcher, AppliesDirectoryUmaskAndEnvironment) {
  World world;
  auto config = world.shell("pwd; umask; echo $COLOUR; echo $BANYAN_TARGET");
  config.cwd = "/usr";
  config.umask = 027;
  config.env = {{"COLOUR", "green"}};
  EXPECT_EQ(world.output_of(config), "/usr\n0027\ngreen\n" + world.instance + "/api#1\n");
}

TEST(Launcher, FindsACommandInThePathOfTheTarget) {
  World world;
  std::filesystem::create_directory(world.scratch / "bin");
  write_file(world.scratch / "bin/hello", "#!/bin/sh\necho hello\n");
  std::filesystem::permissions(world.scratch / "bin/hello", std::filesystem::perms::owner_all);
  auto config = world.target({"hello"});
  config.env = {{"PATH", "/nowhere:" + (world.scratch / "bin")}};
  EXPECT_EQ(world.output_of(config), "hello\n");
}

struct Failure {
  std::string name;
  int error_number;
  std::string text;
};

TEST(Launcher, TellsFailuresApart) {
  World world;
  const auto file = [&](const std::string& name, const std::string& text, bool executable) {
    write_file(world.scratch / name, text);
    using std::filesystem::perms;
    std::filesystem::permissions(world.scratch / name,
                                 executable ? perms::owner_all : perms::owner_read);
    return world.scratch / name;
  };
  const std::vector<Failure> failures = {
      {"/no/such", ENOENT, "exec /no/such: No such file or directory (ENOENT)"},
      {"no-such-command", ENOENT,
       "exec no-such-command: No such file or directory (ENOENT); looked for in PATH"},
      {file("plain", "echo", false), EACCES, "Permission denied (EACCES)"},
      {file("headless", "echo no interpreter named", true), ENOEXEC, "(ENOEXEC)"},
      {file("lost", "#!/no/interpreter\n", true), ENOENT, "its interpreter does not"},
  };
  for (const auto& failure : failures) {
    world.events.clear();
    world.launch(world.target({failure.name}));
    const auto* failed = world.await<LaunchFailed>();
    ASSERT_NE(failed, nullptr) << failure.name;
    EXPECT_EQ(failed->error_number, failure.error_number) << failed->text;
    EXPECT_THAT(failed->text, HasSubstr(failure.text));
    EXPECT_EQ(world.events.size(), 1U);
  }
}

TEST(Launcher, NamesAWorkingDirectoryThatIsNotThere) {
  World world;
  auto config = world.target({"/bin/true"});
  config.cwd = "/no/folder";
  world.launch(config);
  const auto* failed = world.await<LaunchFailed>();
  ASSERT_NE(failed, nullptr);
  EXPECT_EQ(failed->text, "chdir /no/folder: No such file or directory (ENOENT)");
}

TEST(Launcher, LeavesNothingBehindAfterFailedLaunches) {
  Launcher launcher(fresh_instance());
  TargetConfig config;
  config.name = "api";
  config.command = {"/no/such"};
  EXPECT_FALSE(launcher.launch(config, 1));  // the first one of a process reserves some
  const auto before = open_descriptors();
  for (std::uint64_t generation = 2; generation <= 200; ++generation) {
    EXPECT_FALSE(launcher.launch(config, generation));
  }
  EXPECT_EQ(open_descriptors(), before);
  EXPECT_FALSE(has_children());
}

TEST(ProcessTable, TellsAnExitCode) {
  World world;
  world.launch(world.shell("exit 11"));
  const auto* exited = world.await<ProcessExited>();
  ASSERT_NE(exited, nullptr);
  EXPECT_EQ(exited->code, 11);
  EXPECT_EQ(exited->signal, 0);
}

TEST(ProcessTable, TellsADeathBySignalApartFromAnExitCode) {
  World world;
  world.launch(world.shell("kill -SEGV $$"));
  const auto* exited = world.await<ProcessExited>();
  ASSERT_NE(exited, nullptr);
  EXPECT_EQ(exited->signal, SIGSEGV);
  EXPECT_EQ(exited->code, 0);
}

TEST(ProcessTable, TellsNothingFromInsidePerform) {
  World world;
  world.launch(world.target({"/no/such"}));
  world.launch(world.target({"/bin/true"}));
  EXPECT_TRUE(world.events.empty());
  ASSERT_NE(world.await<ProcessExited>(), nullptr);
  EXPECT_TRUE(std::holds_alternative<LaunchFailed>(world.events[0]));
  EXPECT_TRUE(std::holds_alternative<Launched>(world.events[1]));
}

TEST(ProcessTable, StoppedTargetHearsTheStopSignal) {
  World world;
  const auto generation = world.launch(world.target({"sleep", "60"}));
  ASSERT_NE(world.await<Launched>(), nullptr);
  const int pid = world.last<Launched>()->pid;
  world.table.perform(SignalProcess{"api", generation, SIGSTOP, false});
  ASSERT_TRUE(world.run_until([&] { return process_info(pid)->state == 'T'; }));
  world.table.perform(SignalProcess{"api", generation, SIGTERM, false});
  const auto* exited = world.await<ProcessExited>();
  ASSERT_NE(exited, nullptr);
  EXPECT_EQ(exited->signal, SIGTERM);
}

TEST(ProcessTable, StoppedTargetHearsAnySignalThatIsToEndIt) {
  World world;
  const auto generation = world.launch(world.target({"sleep", "60"}));
  ASSERT_NE(world.await<Launched>(), nullptr);
  const int pid = world.last<Launched>()->pid;
  world.table.perform(SignalProcess{"api", generation, SIGSTOP, true});
  ASSERT_TRUE(world.run_until([&] { return process_info(pid)->state == 'T'; }));
  world.table.perform(SignalProcess{"api", generation, SIGINT, true, true});
  const auto* exited = world.await<ProcessExited>();
  ASSERT_NE(exited, nullptr);
  EXPECT_EQ(exited->signal, SIGINT);
}

TEST(ProcessTable, GroupSignalReachesTheChildren) {
  World world;
  // The child tells its pid after its own execve: from then on TERM ends it.
  const auto generation =
      world.launch(world.shell("trap 'exit 3' TERM; sh -c 'echo $$; exec sleep 60' & wait $!"));
  const LogQuery query = all_of();
  ASSERT_TRUE(world.run_until([&] { return !world.read_all(query).empty(); }));
  world.table.perform(SignalProcess{"api", generation, SIGTERM, true});
  const auto* exited = world.await<ProcessExited>();
  ASSERT_NE(exited, nullptr);
  EXPECT_EQ(exited->code, 3);
  const int child = std::stoi(world.read_all(query));
  EXPECT_TRUE(world.run_until([&] { return !process_info(child); }));
}

TEST(ProcessTable, GrandchildThatKeepsThePipeDoesNotDelayTheExit) {
  World world;
  world.launch(world.shell("echo last words; setsid sleep 60 & exit 5"));
  const auto* exited = world.await<ProcessExited>();
  ASSERT_NE(exited, nullptr);
  EXPECT_EQ(exited->code, 5);
  EXPECT_EQ(world.logs.pipes(), 2U);
  EXPECT_EQ(world.read_all(all_of()), "last words\n");
}

TEST(ProcessTable, StoresWhatThePipeHoldsBeforeItTellsTheExit) {
  World world;
  world.launch(world.shell("head -c 300000 /dev/zero; setsid sleep 60 & exit 0"));
  ASSERT_NE(world.await<ProcessExited>(), nullptr);
  EXPECT_EQ(world.drained, std::vector<std::string>{"api"});
  EXPECT_EQ(world.read_all(all_of()).size(), 300'000U);
}

TEST(ProcessTable, TargetOutlivesTheReaderOfItsPipe) {
  World world;
  Launcher launcher(world.instance);
  const auto path = world.scratch / "survived";
  const auto config =
      world.shell("read _ < " + (world.scratch / "gate") + "; echo x; echo y > " + path);
  ASSERT_EQ(::mkfifo((world.scratch / "gate").c_str(), 0600), 0);
  {
    auto launched = launcher.launch(config, 1);
    ASSERT_TRUE(launched);
  }
  write_file(world.scratch / "gate", "go\n");
  EXPECT_TRUE(world.run_until([&] { return contents(path) == "y\n"; }));
}

}  // namespace
}  // namespace banyan::leaf
