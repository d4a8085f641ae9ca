#include "leaf/io/exit_status.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

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

}  // namespace

ExitAnswer reap(int pidfd, ExitStatus& status) {
  siginfo_t info = {};
  while (::waitid(P_PIDFD, static_cast<id_t>(pidfd), &info, WEXITED | WNOHANG) < 0) {
    if (errno != EINTR) return ExitAnswer::no_answer;
  }
  if (info.si_pid == 0) return ExitAnswer::alive;
  status = ExitStatus();
  if (info.si_code == CLD_EXITED) {
    status.code = info.si_status;
  } else {
    status.signal = info.si_status;
    status.core = info.si_code == CLD_DUMPED;
  }
  return ExitAnswer::over;
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
