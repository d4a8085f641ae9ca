#include "leaf/keeper/spill.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace banyan::leaf::keeper {
namespace {

constexpr std::size_t turn_bytes = 1 << 20;
constexpr std::int64_t stamp_every = 100'000'000;
constexpr int file_flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW;

char copy_buffer[64 << 10];

struct Name {
  char text[160];
};

Name name_of(const Run& run, int stream, const Spill& spill) {
  Name name;
  std::snprintf(name.text, sizeof name.text, "%s@%llu.%s.%llu", run.told.target,
                static_cast<unsigned long long>(run.told.generation),
                stream == 0 ? "stdout" : "stderr", static_cast<unsigned long long>(spill.epoch));
  return name;
}

// On a file system without splice.
std::int64_t copy(int pipe, int file, std::uint64_t offset) {
  const ssize_t size = ::read(pipe, copy_buffer, sizeof copy_buffer);
  if (size <= 0) return size;
  const ssize_t written =
      ::pwrite(file, copy_buffer, static_cast<std::size_t>(size), static_cast<off_t>(offset));
  return written > 0 ? written : -1;
}

}  // namespace

// A directory that was deleted is made again: its owner may come back.
bool Spiller::open_folder() {
  if (folder_ >= 0) return true;
  ::mkdirat(state_, spill_folder, 0700);
  folder_ = ::openat(state_, spill_folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return folder_ >= 0;
}

void Spiller::take(Run& run, int stream) {
  Pipe& pipe = run.pipes[stream];
  Spill& spill = pipe.spill;
  if (spill.dropped == 0 && used_ < max_) {
    const std::int64_t moved = store(run, stream, spill);
    if (moved > 0) return;
    if (moved == 0) return close_pipe(pipe);
    if (errno == EAGAIN || errno == EINTR) return;
  }
  const ssize_t size = ::read(pipe.fd, copy_buffer, sizeof copy_buffer);
  if (size > 0) {
    spill.dropped += static_cast<std::uint64_t>(size);
  } else if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
    close_pipe(pipe);
  }
}

std::int64_t Spiller::store(const Run& run, int stream, Spill& spill) {
  const int pipe = run.pipes[stream].fd;
  const std::uint64_t room = max_ - used_;
  const std::size_t wanted = room < turn_bytes ? room : turn_bytes;
  if (!open_folder()) return -1;
  Spill begun = spill;
  if (begun.epoch == 0) begun.epoch = static_cast<std::uint64_t>(wall_ns());
  const Name name = name_of(run, stream, begun);
  const int file = ::openat(folder_, name.text, file_flags, 0600);
  if (file < 0) return -1;
  auto offset = static_cast<loff_t>(spill.size);
  std::int64_t moved =
      ::splice(pipe, nullptr, file, &offset, wanted, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  if (moved < 0 && errno == EINVAL) moved = copy(pipe, file, spill.size);
  const int error = errno;
  ::close(file);
  if (moved > 0) {
    spill.epoch = begun.epoch;
    stamp(run, stream, spill);
    spill.size += static_cast<std::uint64_t>(moved);
    used_ += static_cast<std::uint64_t>(moved);
  } else if (spill.epoch == 0) {
    ::unlinkat(folder_, name.text, 0);
  }
  errno = error;
  return moved;
}

void Spiller::stamp(const Run& run, int stream, Spill& spill) {
  const std::int64_t now = wall_ns();
  const std::int64_t passed = now - spill.stamped_ns;
  if (spill.stamps > 0 && passed >= 0 && passed < stamp_every) return;
  Name name = name_of(run, stream, spill);
  char index[sizeof name.text + 4];
  std::snprintf(index, sizeof index, "%s.idx", name.text);
  const int file = ::openat(folder_, index, file_flags, 0600);
  if (file < 0) return;
  const std::uint64_t entry[2] = {spill.size, static_cast<std::uint64_t>(now)};
  const auto at = static_cast<off_t>(spill.stamps * sizeof entry);
  if (::pwrite(file, entry, sizeof entry, at) == static_cast<ssize_t>(sizeof entry)) {
    ++spill.stamps;
    spill.stamped_ns = now;
  }
  ::close(file);
}

void Spiller::finish(Runs& runs) {
  for (Run* run = runs.first(); run != nullptr; run = run->next) {
    for (int stream = 0; stream < 2; ++stream) finish(*run, stream, run->pipes[stream].spill);
  }
  if (folder_ >= 0) ::close(folder_);
  folder_ = -1;
  used_ = 0;
}

void Spiller::finish(const Run& run, int stream, Spill& spill) {
  if (spill.dropped > 0 && open_folder()) {
    if (spill.epoch == 0) spill.epoch = static_cast<std::uint64_t>(wall_ns());
    const Name plain = name_of(run, stream, spill);
    char counted[sizeof plain.text + 24];
    std::snprintf(counted, sizeof counted, "%s+%llu", plain.text,
                  static_cast<unsigned long long>(spill.dropped));
    const int file = ::openat(folder_, plain.text, file_flags, 0600);
    if (file >= 0) ::close(file);
    ::renameat(folder_, plain.text, folder_, counted);
  }
  spill = Spill();
}

}  // namespace banyan::leaf::keeper
