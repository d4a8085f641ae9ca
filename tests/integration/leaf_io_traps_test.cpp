// Traps of supervising that can be set only from within the supervisor's own process. The numbers
// are those of the table in docs/testing.md.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "tests/integration/leaf_io_world.h"

namespace banyan::leaf {
namespace {

bool is_alive(int pid) {
  const auto info = process_info(pid);
  return info && !info->dead();
}

// ---- a pid that comes again

// A pid can be chosen only in a pid namespace of one's own: so the test runs itself again as the
// first process of one.
bool is_first_process() { return ::getpid() == 1; }

void run_as_first_process() {
  const std::string unshare = "exec unshare --pid --fork --kill-child --mount-proc ";
  if (std::system((unshare + "true 2> /dev/null").c_str()) != 0) {
    GTEST_SKIP() << "no pid namespaces here";
  }
  const auto* test = testing::UnitTest::GetInstance()->current_test_info();
  const auto program = std::filesystem::read_symlink("/proc/self/exe").string();
  const auto command = fmt::format("{}{} --gtest_filter={}.{} > /dev/null", unshare, program,
                                   test->test_suite_name(), test->name());
  EXPECT_EQ(std::system(command.c_str()), 0) << command;
}

// A process that is nobody's target, as leader of a session and with this very pid.
int stranger_with(int pid) {
  int child = 0;
  for (int attempt = 0; attempt < 100 && child != pid; ++attempt) {
    if (child > 0) {
      ::kill(child, SIGKILL);
      ::waitpid(child, nullptr, 0);
    }
    write_file("/proc/sys/kernel/ns_last_pid", std::to_string(pid - 1));
    child = ::fork();
    if (child != 0) continue;
    char name[] = "sleep";
    char time[] = "1000";
    char* const arguments[] = {name, time, nullptr};
    char* const environment[] = {nullptr};
    ::setsid();
    ::execve("/bin/sleep", arguments, environment);
    ::_exit(1);
  }
  EXPECT_EQ(child, pid) << "the pid did not come again: nothing is shown";
  return child;
}

// Whatever is on its way to it would end it before it stops.
void expect_to_live(World& world, int pid) {
  ::kill(pid, SIGSTOP);
  EXPECT_TRUE(world.run_until([&] {
    const auto info = process_info(pid);
    return info && info->state == 'T';
  }));
}

void end(int pid) {
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

TEST(Traps, T02EndOfASubtreeSparesAStrangerWithThePidOfItsLeader) {
  if (!is_first_process()) return run_as_first_process();
  World world;
  const auto generation = world.launch(world.shell("exit 3"));
  ASSERT_NE(world.await<ProcessExited>(), nullptr);
  const int stranger = stranger_with(world.last<Launched>()->pid);
  ASSERT_TRUE(world.run_until([&] { return process_info(stranger)->session == stranger; }));
  world.table.perform(EndSubtree{"api", generation});
  const auto* gone = world.await<SubtreeGone>();
  ASSERT_NE(gone, nullptr);
  EXPECT_EQ(gone->killed, 0U);
  expect_to_live(world, stranger);
  end(stranger);
}

// With a keeper it is not this process that reaps: the news may still be on their way.
TEST(Traps, T02SignalAfterADeathThatIsNotYetKnownReachesNobody) {
  if (!is_first_process()) return run_as_first_process();
  World world;
  const auto gate = world.scratch / "gate";
  ASSERT_EQ(::mkfifo(gate.c_str(), 0600), 0);
  const KeeperPlace place{world.scratch.path(), keeper_program(), 1 << 20};
  auto link = open_keeper(place, true);
  ASSERT_TRUE(link) << link.error().text();
  world.table.use_keeper(place, *std::move(link), {});
  const auto generation = world.launch(world.shell("read _ < " + gate + "; exit 3"));
  ASSERT_NE(world.await<Launched>(), nullptr);
  const int pid = world.last<Launched>()->pid;
  write_file(gate, "go\n");
  while (process_info(pid)) std::this_thread::yield();  // the loop, and so the leaf, stands still
  const int stranger = stranger_with(pid);
  while (is_alive(pid) && process_info(pid)->session != pid) std::this_thread::yield();
  world.table.perform(SignalProcess{"api", generation, SIGTERM, true});
  ASSERT_NE(world.await<ProcessExited>(), nullptr);
  expect_to_live(world, stranger);
  end(stranger);
  world.table.say_goodbye();
}

// ---- threads beside the launcher

TEST(Traps, T03LaunchesAmongBusyThreadsNeverHang) {
  World world;
  std::atomic<bool> over{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&over] {
      // Takes the locks of the allocator and of streams again and again.
      for (std::size_t size = 1; !over; size = size * 7 % 65'521) {
        const std::string text(size, 'x');
        std::FILE* file = std::fopen("/dev/null", "w");
        std::fwrite(text.data(), 1, text.size(), file);
        std::fclose(file);
      }
    });
  }
  constexpr int launches = 200;
  for (int i = 0; i < launches; ++i) world.launch(world.shell("exit 7"));
  const auto exits = [&] {
    return std::count_if(world.events.begin(), world.events.end(), [](const auto& event) {
      const auto* exited = std::get_if<ProcessExited>(&event);
      return exited != nullptr && exited->code == 7;
    });
  };
  EXPECT_TRUE(world.run_until([&] { return exits() == launches; })) << exits();
  over = true;
  for (auto& thread : threads) thread.join();
}

// ---- a subtree that hides

// Its first thread has ended: it looks like a zombie, and its environment is unreadable by its pid.
constexpr const char* headless =
    "import ctypes, threading, time\n"
    "threading.Thread(target=time.sleep, args=(1000,)).start()\n"
    "ctypes.CDLL(None).syscall(60, 0)\n";

TEST(Traps, T07AProcessWhoseFirstThreadEndedIsEndedWithItsSubtree) {
#ifndef __x86_64__
  GTEST_SKIP() << "the number of the system call is another one here";
#endif
  World world;
  write_file(world.scratch / "headless.py", headless);
  const auto generation = world.launch(
      world.shell("setsid python3 " + (world.scratch / "headless.py") + " & echo $!; wait"));
  ASSERT_TRUE(world.run_until([&] { return !world.read_all(all_of()).empty(); }));
  const int pid = std::stoi(world.read_all(all_of()));
  ASSERT_TRUE(world.run_until([&] {
    const auto info = process_info(pid);
    return info && info->state == 'Z';
  }));
  const auto exists = [&] {
    const auto tasks = fmt::format("/proc/{}/task", pid);
    std::error_code error;
    const std::filesystem::directory_iterator entries(tasks, error);
    return !error && std::distance(begin(entries), std::filesystem::end(entries)) > 1;
  };
  ASSERT_TRUE(exists());
  world.table.perform(EndSubtree{"api", generation});
  const auto* gone = world.await<SubtreeGone>();
  ASSERT_NE(gone, nullptr);
  EXPECT_FALSE(exists());
  EXPECT_EQ(gone->unkillable, 0U);
}

}  // namespace
}  // namespace banyan::leaf
