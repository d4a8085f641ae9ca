#include "leaf/io/launch_child.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>

#include "common/base/check.h"
#include "leaf/io/low_descriptors.h"

// glibc's own entry: unlike `clone` it is not intercepted by ThreadSanitizer, which takes a clone
// for a fork and gives up.
extern "C" int __clone(int (*function)(void*), void* stack, int flags, void* argument, ...);

#define BANYAN_IN_CHILD __attribute__((noinline, no_sanitize("address", "thread", "undefined")))

namespace banyan::leaf {
namespace {

constexpr int clone_flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD;
constexpr unsigned unshare = 1U << 1;  // CLOSE_RANGE_UNSHARE
constexpr std::size_t min_stack_bytes = 32 << 10;
constexpr int last_signal = 64;
constexpr std::size_t kernel_mask_bytes = 8;
constexpr std::uint64_t all_signals = ~0ULL;
constexpr std::uint64_t no_signals = 0;

// Larger than the kernel's struct sigaction on any architecture; all zero means SIG_DFL.
struct KernelAction {
  std::uint64_t words[8];
};

std::uint64_t changed_signals = all_signals;

BANYAN_IN_CHILD void reset_signals() {
  const KernelAction standard = {};
  for (int signal = 1; signal <= last_signal; ++signal) {
    if ((changed_signals >> (signal - 1) & 1) == 0) continue;
    // KILL and STOP refuse: they cannot have been changed either.
    ::syscall(SYS_rt_sigaction, signal, &standard, nullptr, kernel_mask_bytes);
  }
}

BANYAN_IN_CHILD bool place_descriptors(const ChildFrame& frame) {
  if (::syscall(SYS_dup3, frame.input, 0, 0) != 0 || ::syscall(SYS_dup3, frame.output, 1, 0) != 1 ||
      ::syscall(SYS_dup3, frame.error, 2, 0) != 2) {
    return false;
  }
  if (frame.ready < 0) return ::syscall(SYS_close_range, 3U, ~0U, 0U) == 0;
  const auto number = static_cast<unsigned>(frame.ready_number);
  // Nothing above 2 is needed any more but the one itself, which may already have its number.
  const bool placed = frame.ready == frame.ready_number
                          ? ::syscall(SYS_fcntl, frame.ready, F_SETFD, 0) == 0
                          : ::syscall(SYS_dup3, frame.ready, frame.ready_number, 0) >= 0;
  if (!placed) return false;
  if (number > 3 && ::syscall(SYS_close_range, 3U, number - 1, 0U) != 0) return false;
  return ::syscall(SYS_close_range, number + 1, ~0U, 0U) == 0;
}

// Until now they are the leaf's own. What is copied is what the child needs, not the hundreds that
// the leaf has beside it.
BANYAN_IN_CHILD bool leave_descriptors(ChildFrame& frame) {
  frame.stage = LaunchStage::descriptors;
  return ::syscall(SYS_close_range, static_cast<unsigned>(frame.shared_up_to) + 1, ~0U, unshare) ==
         0;
}

BANYAN_IN_CHILD bool set_limits(ChildFrame& frame) {
  for (; frame.limit_index < frame.limit_count; ++frame.limit_index) {
    const RawLimit& limit = frame.limits[frame.limit_index];
    if (::syscall(SYS_prlimit64, 0, limit.resource, &limit.values, nullptr) < 0) return false;
  }
  return true;
}

BANYAN_IN_CHILD bool write_whole(const char* path, const char* text, std::size_t size) {
  const auto file = ::syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CLOEXEC, 0);
  return file >= 0 && ::syscall(SYS_write, file, text, size) == static_cast<long>(size);
}

// Moving a process makes the kernel wait for all that fork at the moment: 10 ms and more.
BANYAN_IN_CHILD bool join_group(const ChildFrame& frame) {
  if (frame.cgroup < 0) return false;
  const auto file = ::syscall(SYS_openat, frame.cgroup, "cgroup.procs", O_WRONLY | O_CLOEXEC, 0);
  return file >= 0 && ::syscall(SYS_write, file, "0", 1) == 1;
}

BANYAN_IN_CHILD void write_pid(char* text) {
  char digits[12];
  int count = 0;
  for (auto rest = ::syscall(SYS_getpid); rest > 0; rest /= 10) {
    digits[count++] = static_cast<char>('0' + rest % 10);
  }
  while (count > 0) *text++ = digits[--count];
  *text = '\0';
}

// What takes rights that a change of user may take away.
BANYAN_IN_CHILD bool take_place(ChildFrame& frame) {
  constexpr int who_process = 1;  // IOPRIO_WHO_PROCESS
  frame.stage = LaunchStage::cgroup;
  frame.cgroup_joined = frame.cgroup_joined || join_group(frame);
  if (!frame.cgroup_joined && frame.cgroup_needed) return false;
  frame.stage = LaunchStage::session;
  if (::syscall(SYS_setsid) < 0) return false;
  if (frame.umask >= 0) ::syscall(SYS_umask, frame.umask);
  frame.stage = LaunchStage::limits;
  if (!set_limits(frame)) return false;
  frame.stage = LaunchStage::nice;
  if (frame.change_nice && ::syscall(SYS_setpriority, 0, 0, frame.nice) < 0) return false;
  frame.stage = LaunchStage::io_priority;
  if (frame.io_priority >= 0 && ::syscall(SYS_ioprio_set, who_process, 0, frame.io_priority) < 0) {
    return false;
  }
  frame.stage = LaunchStage::oom_score;
  return frame.oom_score_adj == nullptr ||
         write_whole("/proc/self/oom_score_adj", frame.oom_score_adj, frame.oom_score_size);
}

BANYAN_IN_CHILD bool become_user(ChildFrame& frame) {
  frame.stage = LaunchStage::groups;
  if (frame.change_groups && ::syscall(SYS_setgroups, frame.group_count, frame.groups) < 0) {
    return false;
  }
  frame.stage = LaunchStage::group;
  const auto group = static_cast<unsigned>(frame.group);
  if (frame.group >= 0 && ::syscall(SYS_setresgid, group, group, group) < 0) return false;
  frame.stage = LaunchStage::user;
  const auto user = static_cast<unsigned>(frame.user);
  return frame.user < 0 || ::syscall(SYS_setresuid, user, user, user) == 0;
}

BANYAN_IN_CHILD void become_target(ChildFrame& frame) {
  reset_signals();
  if (frame.shared_up_to >= 0 && !leave_descriptors(frame)) return;
  if (!take_place(frame) || !become_user(frame)) return;
  frame.stage = LaunchStage::working_directory;
  if (frame.working_directory != nullptr && ::syscall(SYS_chdir, frame.working_directory) < 0) {
    return;
  }
  frame.stage = LaunchStage::no_new_privs;
  if (frame.no_new_privs && ::syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return;
  frame.stage = LaunchStage::descriptors;
  if (!place_descriptors(frame)) return;
  if (frame.pid_text != nullptr) write_pid(frame.pid_text);
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

// clone3, by which the new process begins in its group; glibc has no function for it. -errno.
long clone_into_group(ChildFrame& frame, void* stack, int flags, int& pidfd) {
#if defined(__x86_64__)
  clone_args arguments = {};
  arguments.flags = static_cast<std::uint64_t>(flags) | CLONE_INTO_CGROUP;
  arguments.exit_signal = SIGCHLD;
  arguments.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
  arguments.stack = reinterpret_cast<std::uintptr_t>(stack) - min_stack_bytes;
  arguments.stack_size = min_stack_bytes;
  arguments.cgroup = static_cast<std::uint64_t>(frame.cgroup);
  long result = SYS_clone3;
  register auto function asm("r8") = &child_main;
  register auto argument asm("r9") = &frame;
  asm volatile(
      "syscall\n\t"
      "test %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "xor %%ebp, %%ebp\n\t"  // the child: the end of its stack
      "mov %%r9, %%rdi\n\t"
      "call *%%r8\n\t"
      "ud2\n"
      "1:"
      : "+a"(result)
      : "D"(&arguments), "S"(sizeof arguments), "r"(function), "r"(argument)
      : "rcx", "r11", "memory", "cc");
  return result;
#else
  static_cast<void>(stack), static_cast<void>(pidfd), static_cast<void>(frame);
  static_cast<void>(flags);
  return -ENOSYS;
#endif
}

// Where the kernel does not place it by itself, the child goes into the group on its own.
int clone_child(ChildFrame& frame, void* stack, int& pidfd) {
  LowDescriptors low(frame);
  const int flags = clone_flags | (low.used() ? CLONE_FILES : 0);
  frame.cgroup_joined = frame.cgroup >= 0;
  if (frame.cgroup_joined) {
    const long pid = clone_into_group(frame, stack, flags, pidfd);
    if (pid > 0) return static_cast<int>(pid);
  }
  frame.cgroup_joined = false;
  if (!low.used() || frame.cgroup < 0) {
    return __clone(child_main, stack, flags | SIGCHLD, &frame, &pidfd);
  }
  low.give_up();  // the group's folder is not among them
  return __clone(child_main, stack, clone_flags | SIGCHLD, &frame, &pidfd);
}

void reap(int pidfd) {
  siginfo_t info = {};
  while (::waitid(P_PIDFD, static_cast<id_t>(pidfd), &info, WEXITED) < 0 && errno == EINTR) {
  }
}

}  // namespace

void note_dispositions() {
  std::uint64_t changed = 0;
  for (int signal = 1; signal <= last_signal; ++signal) {
    KernelAction action = {};
    const long got = ::syscall(SYS_rt_sigaction, signal, nullptr, &action, kernel_mask_bytes);
    if (got < 0 || action.words[0] != 0) changed |= std::uint64_t{1} << (signal - 1);
  }
  changed_signals = changed;
}

Child start_child(ChildFrame& frame, void* stack) {
  CHECK(frame.input > 2 && frame.output > 2 && frame.error > 2);
  frame.stage = LaunchStage::clone;
  frame.error_number = 0;
  frame.limit_index = 0;
  // The change of user makes the memory, which is shared, undumpable: so no process of that user
  // can look into the leaf meanwhile. Afterwards it is as before.
  const int dumpable = ::prctl(PR_GET_DUMPABLE);
  // A handler of the leaf must never run in the child, which shares its memory.
  std::uint64_t old_mask = 0;
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all_signals, &old_mask, kernel_mask_bytes);
  Child child;
  const int pid = clone_child(frame, stack, child.pidfd);
  const int clone_error = errno;
  if (pid > 0 && frame.error_number != 0) reap(child.pidfd);
  if (frame.user >= 0) ::prctl(PR_SET_DUMPABLE, dumpable);
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
