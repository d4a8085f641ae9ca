#include "leaf/keeper/run.h"

#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <ctime>
#include <new>

#include "common/base/check.h"

namespace banyan::leaf::keeper {
namespace {

constexpr std::int64_t second = 1'000'000'000;

std::int64_t read(clockid_t clock) {
  timespec now = {};
  ::clock_gettime(clock, &now);
  return now.tv_sec * second + now.tv_nsec;
}

template <class T>
T& make() {
  void* memory = std::malloc(sizeof(T));
  CHECK(memory != nullptr);
  return *new (memory) T;
}

bool done_with(const Run& run) {
  if (run.pid == 0) return !run.answer_due;
  return run.over && run.acknowledged && run.pipes[0].fd < 0 && run.pipes[1].fd < 0;
}

void release(Run* run) {
  for (Pipe& pipe : run->pipes) close_pipe(pipe);
  if (run->pidfd >= 0) ::close(run->pidfd);
  std::free(run->mark);
  std::free(run);
}

}  // namespace

std::int64_t boot_ns() { return read(CLOCK_BOOTTIME); }
std::int64_t wall_ns() { return read(CLOCK_REALTIME); }

void close_pipe(Pipe& pipe) {
  if (pipe.fd >= 0) ::close(pipe.fd);
  pipe.fd = -1;
}

bool Run::of(const Message& message) const {
  return told.generation == message.generation && std::strcmp(told.target, message.target) == 0;
}

Run& Runs::add(const Message& message) {
  Run& run = make<Run>();
  run.told = message;
  run.next = first_;
  first_ = &run;
  return run;
}

Run* Runs::find(const Message& message) {
  for (Run* run = first_; run != nullptr; run = run->next) {
    if (run->pid != 0 && run->of(message)) return run;
  }
  return nullptr;
}

Run* Runs::find(int pid) {
  for (Run* run = first_; run != nullptr; run = run->next) {
    if (run->alive() && !run->foreign && run->pid == pid) return run;
  }
  return nullptr;
}

bool Runs::any_alive() const {
  for (const Run* run = first_; run != nullptr; run = run->next) {
    if (run->alive()) return true;
  }
  return false;
}

bool Runs::sweep() {
  bool left = false;
  for (Run** link = &first_; *link != nullptr;) {
    Run* run = *link;
    if (done_with(*run)) {
      *link = run->next;
      release(run);
    } else {
      left = left || (run->over && run->acknowledged);
      link = &run->next;
    }
  }
  return left;
}

void Runs::keep(const Message& message) {
  for (Note* note = notes_; note != nullptr; note = note->next) {
    if (std::strcmp(note->told.target, message.target) != 0) continue;
    note->told = message;
    return;
  }
  Note& note = make<Note>();
  note.told = message;
  note.handed = true;  // the present leaf has said it
  note.next = notes_;
  notes_ = &note;
}

}  // namespace banyan::leaf::keeper
