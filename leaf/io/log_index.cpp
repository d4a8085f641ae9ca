#include "leaf/io/log_index.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "common/base/check.h"
#include "common/io/uninterrupted.h"

namespace banyan::leaf {
namespace {

constexpr std::size_t block_entries = 512;
constexpr std::size_t entry_bytes = sizeof(IndexEntry);
constexpr mode_t file_mode = 0640;

std::uint64_t entries_in(int file) {
  struct stat info = {};
  if (::fstat(file, &info) < 0) return 0;
  return static_cast<std::uint64_t>(info.st_size) / entry_bytes;
}

}  // namespace

bool IndexReader::open(const std::string& path) {
  close();
  file_.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  refresh();
  return static_cast<bool>(file_);
}

void IndexReader::close() {
  file_.reset();
  count_ = 0;
  block_.clear();
  last_position_ = 0;
}

void IndexReader::refresh() {
  if (file_) count_ = entries_in(file_.get());
}

IndexEntry IndexReader::entry(std::size_t i) {
  CHECK(i < count_);
  if (i < block_begin_ || i >= block_begin_ + block_.size()) {
    block_begin_ = i - i % block_entries;
    block_.resize(block_entries);
    const auto at = static_cast<off_t>(block_begin_ * entry_bytes);
    const auto size = banyan::io::uninterrupted(
        [&] { return ::pread(file_.get(), block_.data(), block_entries * entry_bytes, at); });
    block_.resize(size > 0 ? static_cast<std::size_t>(size) / entry_bytes : 0);
  }
  // An index that was cut under our hands: the caller gets the epoch, not a crash.
  return i - block_begin_ < block_.size() ? block_[i - block_begin_] : IndexEntry{};
}

std::size_t IndexReader::position(std::uint64_t offset) {
  CHECK(count_ > 0);
  // Readers go forward or backward step by step: look around the last answer first.
  const std::size_t from = last_position_ > 0 ? last_position_ - 1 : 0;
  const std::size_t to = std::min(from + 3, count_);
  for (std::size_t i = from; i < to && entry(i).offset <= offset; ++i) {
    if (i + 1 == count_ || entry(i + 1).offset > offset) return last_position_ = i;
  }
  std::size_t low = 0;
  std::size_t high = count_;
  while (high - low > 1) {
    const std::size_t middle = low + (high - low) / 2;
    (entry(middle).offset <= offset ? low : high) = middle;
  }
  return last_position_ = low;
}

std::size_t IndexReader::first_since(std::int64_t time_ns) {
  std::size_t low = 0;
  std::size_t high = count_;
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    if (entry(middle).time_ns < time_ns) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

bool IndexWriter::open(const std::string& path, IndexEntry first, std::uint64_t size) {
  count_ = 0;
  file_.reset(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, file_mode));
  if (!file_) return false;
  count_ = entries_in(file_.get());
  const auto inside = [&](const std::optional<IndexEntry>& entry) {
    return entry && entry->offset >= first.offset && entry->offset < first.offset + size;
  };
  while (count_ > 0 && !inside(read(count_ - 1))) --count_;
  const bool begins_right = count_ > 0 && read(0)->offset == first.offset;
  if (!begins_right) count_ = 0;
  if (::ftruncate(file_.get(), static_cast<off_t>(count_ * entry_bytes)) < 0) return false;
  return size == 0 || count_ > 0 || append(first);
}

std::optional<IndexEntry> IndexWriter::read(std::uint64_t i) const {
  IndexEntry entry;
  const auto at = static_cast<off_t>(i * entry_bytes);
  const auto size =
      banyan::io::uninterrupted([&] { return ::pread(file_.get(), &entry, entry_bytes, at); });
  if (size != static_cast<ssize_t>(entry_bytes)) return std::nullopt;
  return entry;
}

bool IndexWriter::append(IndexEntry entry) {
  if (!file_) return false;
  const auto at = static_cast<off_t>(count_ * entry_bytes);
  const auto size =
      banyan::io::uninterrupted([&] { return ::pwrite(file_.get(), &entry, entry_bytes, at); });
  if (size != static_cast<ssize_t>(entry_bytes)) return false;
  ++count_;
  return true;
}

}  // namespace banyan::leaf
