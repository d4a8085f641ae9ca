#include "leaf/io/exit_status.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

namespace banyan::leaf {
namespace {

// <linux/pidfd.h> of kernel 6.15; Debian 12's is older.
struct PidfdInfo {
  std::uint64_t mask;
  std::uint64_t cgroup;
  std::uint32_t ids[11];
  std::int32_t exit_code;
};
static_assert(sizeof(PidfdInfo) == 64);
constexpr std::uint64_t info_pid = 1;
constexpr std::uint64_t info_exit = 8;
constexpr unsigned long get_info = _IOWR(0xFF, 11, PidfdInfo);

short state_of(int pidfd) {
  pollfd entry = {pidfd, POLLIN, 0};
  return ::poll(&entry, 1, 0) > 0 ? entry.revents : static_cast<short>(0);
}

ExitStatus from_wait(int status) {
  ExitStatus exit;
  if (WIFEXITED(status)) {
    exit.code = WEXITSTATUS(status);
  } else {
    exit.signal = WTERMSIG(status);
    exit.core = WCOREDUMP(status);
  }
  return exit;
}

std::int64_t ms_of(const timeval& time) {
  return std::int64_t{time.tv_sec} * 1000 + time.tv_usec / 1000;
}

// The system's own waitid also tells what was used. The pid; 0 = nobody is dead; -1 = errno.
int wait_for_one(idtype_t type, int id, ExitStatus& status) {
  siginfo_t info = {};
  rusage used = {};
  while (::syscall(SYS_waitid, type, id, &info, WEXITED | WNOHANG, &used) < 0) {
    if (errno != EINTR) return -1;
  }
  if (info.si_pid == 0) return 0;
  status = ExitStatus();
  if (info.si_code == CLD_EXITED) {
    status.code = info.si_status;
  } else {
    status.signal = info.si_status;
    status.core = info.si_code == CLD_DUMPED;
  }
  status.user_ms = ms_of(used.ru_utime);
  status.system_ms = ms_of(used.ru_stime);
  status.max_rss_bytes = std::int64_t{used.ru_maxrss} * 1024;
  return info.si_pid;
}

}  // namespace

ExitAnswer reap(int pidfd, ExitStatus& status) {
  const int pid = wait_for_one(P_PIDFD, pidfd, status);
  if (pid < 0) return ExitAnswer::no_answer;
  return pid == 0 ? ExitAnswer::alive : ExitAnswer::over;
}

int reap_any(ExitStatus& status) {
  const int pid = wait_for_one(P_ALL, 0, status);
  return pid < 0 ? 0 : pid;
}

bool kernel_tells(int pidfd) {
  PidfdInfo info = {};
  info.mask = info_pid | info_exit;
  return ::ioctl(pidfd, get_info, &info) == 0;
}

ExitAnswer ask_kernel(int pidfd, ExitStatus& status) {
  const short state = state_of(pidfd);
  if ((state & POLLIN) == 0) return ExitAnswer::alive;
  PidfdInfo info = {};
  info.mask = info_pid | info_exit;
  const bool answered = ::ioctl(pidfd, get_info, &info) == 0;
  if (answered && (info.mask & info_exit) != 0) {
    status = from_wait(info.exit_code);
    return ExitAnswer::over;
  }
  // Dead, but not reaped: the status comes with the hang-up.
  if (answered && (state & POLLHUP) == 0) return ExitAnswer::alive;
  status = ExitStatus();
  status.code = -1;
  status.known = false;
  return ExitAnswer::no_answer;
}

}  // namespace banyan::leaf
