#include "leaf/keeper/keeper.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "common/base/check.h"

namespace banyan::leaf::keeper {
namespace {

constexpr std::int64_t ns_per_ms = 1'000'000;
constexpr int away_look_ms = 1000;  // is the socket still there?
constexpr int crowded_ms = 10;
constexpr int linger_ms = 20;
constexpr unsigned linger_rounds_max = 250;
constexpr nfds_t fixed_count = 4;
enum Fixed : nfds_t { fixed_signals, fixed_listener, fixed_leaf, fixed_candidate };

}  // namespace

Keeper::Keeper(int listener, int state, int signals)
    : listener_(listener), state_(state), signals_(signals), spiller_(state) {
  struct stat info = {};
  if (::fstatat(state_, socket_name, &info, AT_SYMLINK_NOFOLLOW) == 0) {
    socket_device_ = info.st_dev;
    socket_inode_ = info.st_ino;
  }
}

int Keeper::run() {
  while (!finished_) wait();
  return 0;
}

void Keeper::watch(int descriptor, short events, Watched watched) {
  if (polled_count_ == polled_room_) {
    polled_room_ = polled_room_ == 0 ? 16 : polled_room_ * 2;
    polled_ = static_cast<pollfd*>(std::realloc(polled_, polled_room_ * sizeof(pollfd)));
    watched_ = static_cast<Watched*>(std::realloc(watched_, polled_room_ * sizeof(Watched)));
    CHECK(polled_ != nullptr && watched_ != nullptr);
  }
  polled_[polled_count_] = {descriptor, events, 0};
  watched_[polled_count_++] = watched;
}

// Away: everything. Present: only whether a finished run's pipes have come to their end.
void Keeper::watch_runs() {
  if (present_ && !finished_left_) return;
  for (Run* run = runs_.first(); run != nullptr; run = run->next) {
    const bool finished = run->over && run->acknowledged;
    for (int stream = 0; stream < 2; ++stream) {
      const int fd = run->pipes[stream].fd;
      if (fd < 0 || (present_ && (!finished || lingering_ > 0))) continue;
      const short events = present_ ? 0 : POLLIN;
      watch(fd, events, {run, stream, Watch::pipe});
    }
    if (present_ || !run->foreign || !run->alive()) continue;
    const short events = run->hangs_on ? 0 : POLLIN;
    watch(run->pidfd, events, {run, 0, Watch::pidfd});
  }
}

int Keeper::timeout() const {
  std::int64_t wait_ms = -1;
  const auto at_most = [&wait_ms](std::int64_t ms) {
    if (ms < 0) ms = 0;
    if (wait_ms < 0 || ms < wait_ms) wait_ms = ms;
  };
  const std::int64_t now = boot_ns();
  if (!present_) at_most(away_look_ms);
  if (kill_at_ns_ != 0) at_most((kill_at_ns_ - now) / ns_per_ms + 1);
  if (ender_.busy()) at_most((ender_.next_round_ns() - now) / ns_per_ms + 1);
  if (crowded_) at_most(crowded_ms);
  if (lingering_ > 0) at_most(linger_ms);
  return static_cast<int>(wait_ms);
}

void Keeper::wait() {
  polled_count_ = 0;
  const short out = blocked_ ? POLLOUT : 0;
  watch(signals_, POLLIN, {});
  watch(listener_, POLLIN, {});
  watch(leaf_, static_cast<short>(POLLIN | out), {});
  watch(candidate_, POLLIN, {});
  watch_runs();
  if (::poll(polled_, polled_count_, timeout()) < 0) {
    CHECK(errno == EINTR || errno == ENOMEM || errno == EAGAIN);
    return;
  }
  // The runs first: what follows may remove some.
  for (nfds_t i = fixed_count; i < polled_count_; ++i) {
    if (polled_[i].revents != 0) look(watched_[i], polled_[i].revents);
  }
  if (polled_[fixed_signals].revents != 0) {
    signalfd_siginfo info;
    static_cast<void>(::read(signals_, &info, sizeof info));
    reap_children();
  }
  const short leaf = polled_[fixed_leaf].revents;
  if (leaf != 0) listen_to_leaf();
  if (polled_[fixed_candidate].revents != 0) listen_to_candidate();
  if (polled_[fixed_listener].revents != 0) accept_one();
  if (lingering_ > 0) linger();
  end_abandoned();
  tell();
  if (present_ && std::exchange(sweep_due_, false)) finished_left_ = runs_.sweep();
  if (!present_ && !runs_.any_alive() && !reachable()) finished_ = true;
}

void Keeper::look(const Watched& watched, short events) {
  Run& run = *watched.run;
  if (watched.what == Watch::pidfd) return ask_foreign(run);
  if (!present_) return spiller_.take(run, watched.stream);
  int queued = 0;
  Pipe& pipe = run.pipes[watched.stream];
  const bool empty = ::ioctl(pipe.fd, FIONREAD, &queued) < 0 || queued == 0;
  sweep_due_ = true;
  if ((events & POLLHUP) != 0 && empty) return close_pipe(pipe);
  lingering_ = 1;  // the leaf still has to empty it
}

void Keeper::linger() {
  bool left = false;
  sweep_due_ = true;
  const bool give_up = ++lingering_ > linger_rounds_max;
  for (Run* run = runs_.first(); run != nullptr; run = run->next) {
    if (!run->over || !run->acknowledged) continue;
    for (Pipe& pipe : run->pipes) {
      pollfd entry = {pipe.fd, 0, 0};
      int queued = 0;
      if (pipe.fd < 0 || ::poll(&entry, 1, 0) <= 0) continue;
      const bool empty = ::ioctl(pipe.fd, FIONREAD, &queued) < 0 || queued == 0;
      if (empty || give_up) close_pipe(pipe);
      left = left || pipe.fd >= 0;
    }
  }
  if (!left) lingering_ = 0;
}

void Keeper::reap_children() {
  for (;;) {
    ExitStatus status;
    const int pid = reap_any(status);
    if (pid == 0) return;
    if (Run* run = runs_.find(pid)) {
      set_over(*run, status);
    } else {
      ++orphans_;
    }
  }
}

void Keeper::ask_foreign(Run& run) {
  ExitStatus status;
  const ExitAnswer answer = ask_kernel(run.pidfd, status);
  run.hangs_on = answer == ExitAnswer::alive;
  if (answer != ExitAnswer::alive) set_over(run, status);
}

void Keeper::set_over(Run& run, const ExitStatus& status) {
  run.over = true;
  run.status = status;
  run.ended_ms = wall_ns() / ns_per_ms;
  run.exit_due = run.handed;
  news_due_ = true;
  if (run.pidfd >= 0) ::close(run.pidfd);
  run.pidfd = -1;
}

void Keeper::end_abandoned() {
  const std::int64_t now = boot_ns();
  if (ender_.busy() && now >= ender_.next_round_ns()) ender_.round(runs_);
  if (kill_at_ns_ == 0 || now < kill_at_ns_) return;
  kill_at_ns_ = 0;
  for (Run* run = runs_.first(); run != nullptr; run = run->next) {
    run->ending = run->alive() && (run->told.flags & end_with_agent) != 0;
  }
  ender_.begin(runs_);
}

bool Keeper::reachable() const {
  struct stat info = {};
  return ::fstatat(state_, socket_name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
         info.st_dev == socket_device_ && info.st_ino == socket_inode_;
}

}  // namespace banyan::leaf::keeper
