// The floor that a supervisor is measured against: as little as the kernel allows. Starts N copies
// of a program (vfork-like clone with a pidfd), waits on the pidfds with epoll, starts the next
// copy when one dies; on TERM it ends all and exits. No log, no policy, no state.
//
//     bench_floor N PROGRAM

#include <fcntl.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

constexpr std::size_t stack_bytes = 64 * 1024;
alignas(16) char stack[stack_bytes];

int run_child(void* program) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  char* const arguments[] = {static_cast<char*>(program), nullptr};
  execve(arguments[0], arguments, environ);
  _exit(127);
}

class Floor {
 public:
  explicit Floor(char* program) : program_(program), epoll_(epoll_create1(EPOLL_CLOEXEC)) {}

  void start() {
    int pidfd = -1;
    clone(run_child, stack + stack_bytes, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, program_,
          &pidfd);
    fcntl(pidfd, F_SETFD, FD_CLOEXEC);
    watch(pidfd);
    ++running_;
  }

  void watch(int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
    fds_.push_back(fd);
  }

  void run(int signals) {
    watch(signals);
    bool stopping = false;
    while (!stopping || running_ > 0) {
      epoll_event event{};
      if (epoll_wait(epoll_, &event, 1, -1) < 1) continue;
      if (event.data.fd == signals) {
        stopping = true;
        signalfd_siginfo ignored{};
        if (read(signals, &ignored, sizeof ignored) < 0) continue;
        for (const int fd : fds_) {
          if (fd != signals) syscall(SYS_pidfd_send_signal, fd, SIGTERM, nullptr, 0);
        }
      } else {
        reap(event.data.fd, !stopping);
      }
    }
  }

 private:
  void reap(int pidfd, bool again) {
    siginfo_t info{};
    if (waitid(P_PIDFD, static_cast<id_t>(pidfd), &info, WEXITED | WNOHANG) != 0) return;
    if (info.si_pid == 0) return;
    std::erase(fds_, pidfd);
    close(pidfd);
    --running_;
    if (again) start();
  }

  char* program_;
  int epoll_;
  std::vector<int> fds_;
  int running_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: bench_floor N PROGRAM\n");
    return 2;
  }
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGTERM);
  sigprocmask(SIG_BLOCK, &mask, nullptr);
  Floor floor(argv[2]);
  for (int i = std::atoi(argv[1]); i > 0; --i) floor.start();
  floor.run(signalfd(-1, &mask, SFD_CLOEXEC));
}
