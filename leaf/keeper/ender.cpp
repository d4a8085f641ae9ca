#include "leaf/keeper/ender.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace banyan::leaf::keeper {
namespace {

constexpr std::int64_t pause_ns = 5'000'000;
constexpr std::int64_t patience_ns = 3'000'000'000;
constexpr char variable[] = "BANYAN_TARGET=";
constexpr std::size_t variable_size = sizeof variable - 1;

char text_buffer[256 << 10];

std::size_t read_proc(int pid, const char* file, std::size_t room) {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
  const int opened = ::open(path, O_RDONLY | O_CLOEXEC);
  if (opened < 0) return 0;
  std::size_t size = 0;
  for (ssize_t got = 1; got > 0 && size < room; size += static_cast<std::size_t>(got)) {
    got = ::read(opened, text_buffer + size, room - size);
    if (got < 0) got = 0;
  }
  ::close(opened);
  return size;
}

// Of a process whose first thread has ended, the others still have it.
std::size_t read_environment(int pid) {
  constexpr std::size_t room = sizeof text_buffer - 1;
  std::size_t size = read_proc(pid, "environ", room);
  char path[64];
  std::snprintf(path, sizeof path, "/proc/%d/task", pid);
  DIR* threads = size > 0 ? nullptr : ::opendir(path);
  if (threads == nullptr) return size;
  for (const dirent* entry = ::readdir(threads); entry != nullptr && size == 0;
       entry = ::readdir(threads)) {
    std::snprintf(path, sizeof path, "task/%d/environ", std::atoi(entry->d_name));
    size = read_proc(pid, path, room);
  }
  ::closedir(threads);
  return size;
}

const char* find_mark(int pid) {
  const std::size_t size = read_environment(pid);
  text_buffer[size] = '\0';
  for (std::size_t at = 0; at < size; at += std::strlen(text_buffer + at) + 1) {
    if (std::strncmp(text_buffer + at, variable, variable_size) == 0) {
      return text_buffer + at + variable_size;
    }
  }
  return nullptr;
}

struct Stat {
  char state = '?';
  int session = 0;
  int threads = 0;

  // A process whose first thread has ended, and others not, looks like a zombie.
  bool dead() const { return state == 'X' || (state == 'Z' && threads <= 1); }
};

// "pid (name) state parent group session ...": the name may hold anything; field 20 = threads.
bool read_stat(int pid, Stat& stat) {
  constexpr const char* fields =
      " %c %*d %*d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %d";
  text_buffer[read_proc(pid, "stat", 1024)] = '\0';
  const char* name_end = std::strrchr(text_buffer, ')');
  return name_end != nullptr &&
         std::sscanf(name_end + 1, fields, &stat.state, &stat.session, &stat.threads) == 3;
}

const Run* owner_of(int pid, Runs& runs) {
  Stat stat;
  if (!read_stat(pid, stat) || stat.dead()) return nullptr;
  const char* mark = find_mark(pid);
  for (const Run* run = runs.first(); run != nullptr; run = run->next) {
    if (!run->ending) continue;
    const bool marked =
        mark != nullptr && run->mark != nullptr && std::strcmp(mark, run->mark) == 0;
    // A session's number can belong to others once its leader is reaped.
    const bool in_session = mark == nullptr && run->alive() && stat.session == run->pid;
    if (marked || in_session || (run->alive() && run->pid == pid)) return run;
  }
  return nullptr;
}

}  // namespace

char* mark_of(int pid) {
  const char* mark = find_mark(pid);
  return mark == nullptr ? nullptr : ::strdup(mark);
}

void Ender::begin(Runs& runs) {
  give_up_ns_ = boot_ns() + patience_ns;
  quiet_rounds_ = 0;
  round(runs);
}

void Ender::round(Runs& runs) {
  quiet_rounds_ = kill_all(runs) ? 0 : quiet_rounds_ + 1;
  const std::int64_t now = boot_ns();
  const bool done = quiet_rounds_ >= 2 || now >= give_up_ns_;
  next_round_ns_ = done ? 0 : now + pause_ns;
  for (Run* run = runs.first(); done && run != nullptr; run = run->next) run->ending = false;
}

// The pidfd is opened first: whatever is then read of the pid, no other process is hit.
bool Ender::kill_all(Runs& runs) {
  bool any = false;
  DIR* folder = ::opendir("/proc");
  if (folder == nullptr) return false;
  while (const dirent* entry = ::readdir(folder)) {
    const int pid = std::atoi(entry->d_name);
    if (pid <= 0) continue;
    const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
    if (pidfd < 0) continue;
    if (owner_of(pid, runs) != nullptr) {
      any = true;
      ::syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, nullptr, 0);
    }
    ::close(pidfd);
  }
  ::closedir(folder);
  return any;
}

}  // namespace banyan::leaf::keeper
