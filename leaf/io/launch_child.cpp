#include "leaf/io/launch_child.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>

#include "common/base/check.h"

// glibc's own entry: unlike `clone` it is not intercepted by ThreadSanitizer, which takes a clone
// for a fork and gives up.
extern "C" int __clone(int (*function)(void*), void* stack, int flags, void* argument, ...);

#define BANYAN_IN_CHILD __attribute__((noinline, no_sanitize("address", "thread", "undefined")))

namespace banyan::leaf {
namespace {

constexpr int last_signal = 64;
constexpr std::size_t kernel_mask_bytes = 8;
constexpr std::uint64_t all_signals = ~0ULL;
constexpr std::uint64_t no_signals = 0;

// Larger than the kernel's struct sigaction on any architecture; all zero means SIG_DFL.
struct KernelAction {
  std::uint64_t words[8];
};

BANYAN_IN_CHILD void reset_signals() {
  const KernelAction standard = {};
  for (int signal = 1; signal <= last_signal; ++signal) {
    // KILL and STOP refuse: they cannot have been changed either.
    ::syscall(SYS_rt_sigaction, signal, &standard, nullptr, kernel_mask_bytes);
  }
}

BANYAN_IN_CHILD bool place_descriptors(const ChildFrame& frame) {
  return ::syscall(SYS_dup3, frame.input, 0, 0) == 0 &&
         ::syscall(SYS_dup3, frame.output, 1, 0) == 1 &&
         ::syscall(SYS_dup3, frame.error, 2, 0) == 2 &&
         ::syscall(SYS_close_range, 3U, ~0U, 0U) == 0;
}

BANYAN_IN_CHILD void become_target(ChildFrame& frame) {
  reset_signals();
  frame.stage = LaunchStage::session;
  if (::syscall(SYS_setsid) < 0) return;
  if (frame.umask >= 0) ::syscall(SYS_umask, frame.umask);
  frame.stage = LaunchStage::working_directory;
  if (frame.working_directory != nullptr && ::syscall(SYS_chdir, frame.working_directory) < 0) {
    return;
  }
  frame.stage = LaunchStage::descriptors;
  if (!place_descriptors(frame)) return;
  frame.stage = LaunchStage::execute;
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &no_signals, nullptr, kernel_mask_bytes);
  ::syscall(SYS_execve, frame.path, frame.arguments, frame.environment);
}

BANYAN_IN_CHILD int child_main(void* argument) {
  auto& frame = *static_cast<ChildFrame*>(argument);
  become_target(frame);
  frame.error_number = errno;
  ::syscall(SYS_exit_group, 127);
  return 127;
}

void reap(int pidfd) {
  siginfo_t info = {};
  while (::waitid(P_PIDFD, static_cast<id_t>(pidfd), &info, WEXITED) < 0 && errno == EINTR) {
  }
}

}  // namespace

Child start_child(ChildFrame& frame, void* stack) {
  CHECK(frame.input > 2 && frame.output > 2 && frame.error > 2);
  frame.stage = LaunchStage::clone;
  frame.error_number = 0;
  // A handler of the leaf must never run in the child, which shares its memory.
  std::uint64_t old_mask = 0;
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all_signals, &old_mask, kernel_mask_bytes);
  Child child;
  constexpr int flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD;
  const int pid = __clone(child_main, stack, flags, &frame, &child.pidfd);
  const int clone_error = errno;
  if (pid > 0 && frame.error_number != 0) reap(child.pidfd);
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &old_mask, nullptr, kernel_mask_bytes);
  if (pid < 0) {
    frame.error_number = clone_error;
    return {};
  }
  if (frame.error_number != 0) {
    ::close(child.pidfd);
    return {};
  }
  child.pid = pid;
  return child;
}

}  // namespace banyan::leaf
