#include "leaf/io/log_segment.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "common/io/uninterrupted.h"

namespace banyan::leaf {
namespace {

constexpr mode_t file_mode = 0640;
constexpr std::int64_t nanoseconds_per_second = 1'000'000'000;

}  // namespace

bool SegmentWriter::open(const std::string& log_path, const std::string& index_path,
                         std::uint64_t first) {
  // No O_APPEND: splice refuses it.
  file_.reset(::open(log_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, file_mode));
  if (!file_) return false;
  struct stat info = {};
  if (::fstat(file_.get(), &info) < 0) return false;
  first_ = first;
  size_ = static_cast<std::uint64_t>(info.st_size);
  const std::int64_t time = info.st_mtim.tv_sec * nanoseconds_per_second + info.st_mtim.tv_nsec;
  // Without an index the bytes are kept all the same; only their times are lost.
  index_.open(index_path, {first, time}, size_);
  return true;
}

bool SegmentWriter::gone() const {
  struct stat info = {};
  return ::fstat(file_.get(), &info) < 0 || info.st_nlink == 0;
}

ssize_t SegmentWriter::take(int pipe, std::uint64_t max_bytes, std::int64_t time_ns) {
  const auto moved = spliceable_ ? move(pipe, max_bytes) : copy(pipe, max_bytes);
  if (moved <= 0) return moved;
  index_.append({first_ + size_, time_ns});
  size_ += static_cast<std::uint64_t>(moved);
  return moved;
}

ssize_t SegmentWriter::move(int pipe, std::uint64_t max_bytes) {
  auto offset = static_cast<loff_t>(size_);
  const auto moved =
      ::splice(pipe, nullptr, file_.get(), &offset, max_bytes, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  if (moved >= 0 || errno != EINVAL) return moved;
  spliceable_ = false;  // a file system without splice
  return copy(pipe, max_bytes);
}

// What was read and cannot be written is lost; only on file systems that cannot splice.
ssize_t SegmentWriter::copy(int pipe, std::uint64_t max_bytes) {
  char buffer[16 << 10];
  const auto size = ::read(pipe, buffer, std::min<std::uint64_t>(max_bytes, sizeof buffer));
  if (size <= 0) return size;
  ssize_t written = 0;
  while (written < size) {
    const auto left = static_cast<std::size_t>(size - written);
    const auto at = static_cast<off_t>(size_) + written;
    const auto part = banyan::io::uninterrupted(
        [&] { return ::pwrite(file_.get(), buffer + written, left, at); });
    if (part <= 0) return written > 0 ? written : -1;
    written += part;
  }
  return written;
}

}  // namespace banyan::leaf
