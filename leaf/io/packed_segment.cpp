#include "leaf/io/packed_segment.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "common/io/uninterrupted.h"

namespace banyan::leaf {
namespace {

using banyan::io::uninterrupted;

constexpr std::uint32_t skippable_magic = 0x184D2A5E;
constexpr std::uint32_t seekable_magic = 0x8F92EAB1;
constexpr std::size_t head_bytes = 8;  // magic and size of the skippable frame
constexpr std::size_t foot_bytes = 9;  // number of frames, descriptor, magic
constexpr std::size_t entry_bytes = 8;
constexpr std::size_t max_frames = 1U << 23U;
constexpr int level = 3;
constexpr mode_t file_mode = 0640;

void append_number(std::string& bytes, std::uint32_t value) {
  for (unsigned shift = 0; shift < 32; shift += 8) {
    bytes += static_cast<char>(value >> shift & 0xFFU);
  }
}

std::uint32_t number_at(const std::string& bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (unsigned i = 0; i < 4; ++i) {
    value |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[at + i])) << (8 * i);
  }
  return value;
}

bool write_all(int file, const std::string& bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const auto size =
        uninterrupted([&] { return ::write(file, bytes.data() + done, bytes.size() - done); });
    if (size < 0) return false;
    done += static_cast<std::size_t>(size);
  }
  return true;
}

// Fills `bytes` unless the file ends before.
bool read_all(int file, std::uint64_t offset, std::string& bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const auto at = static_cast<off_t>(offset + done);
    const auto size =
        uninterrupted([&] { return ::pread(file, bytes.data() + done, bytes.size() - done, at); });
    if (size < 0) return false;
    if (size == 0) break;
    done += static_cast<std::size_t>(size);
  }
  bytes.resize(done);
  return true;
}

bool write_table(int out, const std::string& table, std::uint32_t frames) {
  std::string bytes;
  append_number(bytes, skippable_magic);
  append_number(bytes, static_cast<std::uint32_t>(table.size() + foot_bytes));
  bytes += table;
  append_number(bytes, frames);
  bytes += '\0';  // no checksums of our own: zstd's are in the frames
  append_number(bytes, seekable_magic);
  return write_all(out, bytes);
}

bool write_frames(int in, int out, const std::atomic<bool>& stop) {
  const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context(ZSTD_createCCtx(),
                                                                     ZSTD_freeCCtx);
  if (!context) return false;
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, level);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
  std::string table;
  std::uint32_t frames = 0;
  std::string packed;
  for (std::uint64_t offset = 0;; ++frames) {
    if (stop) return errno = ECANCELED, false;
    std::string plain(packed_frame_bytes, '\0');
    if (!read_all(in, offset, plain)) return false;
    if (plain.empty()) return write_table(out, table, frames);
    packed.resize(ZSTD_compressBound(plain.size()));
    const auto size =
        ZSTD_compress2(context.get(), packed.data(), packed.size(), plain.data(), plain.size());
    if (ZSTD_isError(size) != 0) return errno = EINVAL, false;
    packed.resize(size);
    if (!write_all(out, packed)) return false;
    append_number(table, static_cast<std::uint32_t>(size));
    append_number(table, static_cast<std::uint32_t>(plain.size()));
    offset += plain.size();
  }
}

// What was written last, as the plain file says: it decides when the segment is too old.
bool keep_times(int in, int out) {
  struct stat info = {};
  if (::fstat(in, &info) < 0) return false;
  const timespec times[] = {info.st_atim, info.st_mtim};
  return ::futimens(out, times) == 0;
}

}  // namespace

bool pack_segment(const std::string& plain, const std::string& packed,
                  const std::atomic<bool>& stop) {
  const std::string unfinished = packed + ".tmp";
  const Descriptor in(::open(plain.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!in) return false;
  constexpr int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW;
  const Descriptor out(::open(unfinished.c_str(), flags, file_mode));
  if (!out) return false;
  const bool done = write_frames(in.get(), out.get(), stop) && keep_times(in.get(), out.get()) &&
                    ::fsync(out.get()) == 0 && ::rename(unfinished.c_str(), packed.c_str()) == 0;
  if (done) return true;
  const int error = errno;
  ::unlink(unfinished.c_str());
  errno = error;
  return false;
}

bool PackedReader::open(const std::string& path) {
  close();
  file_.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file_ && read_table()) return true;
  close();
  return false;
}

void PackedReader::close() {
  file_.reset();
  frames_.clear();
  size_ = 0;
  text_ = {};
  loaded_ = 0;
}

bool PackedReader::read_table() {
  struct stat info = {};
  if (::fstat(file_.get(), &info) < 0) return false;
  const auto size = static_cast<std::uint64_t>(info.st_size);
  std::string foot(foot_bytes, '\0');
  if (size < head_bytes + foot_bytes || !read_all(file_.get(), size - foot_bytes, foot)) {
    return false;
  }
  const std::size_t count = number_at(foot, 0);
  if (foot.size() < foot_bytes || number_at(foot, 5) != seekable_magic || foot[4] != '\0') {
    return false;
  }
  const std::uint64_t table_bytes = count * entry_bytes;
  if (count > max_frames || size < table_bytes + head_bytes + foot_bytes) return false;
  std::string table(table_bytes, '\0');
  const std::uint64_t frames_end = size - foot_bytes - table_bytes - head_bytes;
  if (!read_all(file_.get(), frames_end + head_bytes, table)) return false;
  if (table.size() < table_bytes) return false;
  Frame frame;
  for (std::size_t i = 0; i < count; ++i) {
    frame.packed = number_at(table, i * entry_bytes);
    frame.plain = number_at(table, i * entry_bytes + 4);
    if (frame.plain > packed_frame_bytes) return false;
    frames_.push_back(frame);
    frame.at += frame.packed;
    frame.first += frame.plain;
  }
  size_ = frame.first;
  return frame.at == frames_end;
}

std::int64_t PackedReader::read(std::uint64_t offset, char* to, std::size_t max) {
  if (offset >= size_) return 0;
  const std::size_t index = frame_of(offset);
  if (!load(index)) return -1;
  const auto begin = offset - frames_[index].first;
  const auto size = std::min<std::uint64_t>(max, text_.size() - begin);
  std::memcpy(to, text_.data() + begin, size);
  return static_cast<std::int64_t>(size);
}

std::size_t PackedReader::frame_of(std::uint64_t offset) const {
  const auto next =
      std::upper_bound(frames_.begin(), frames_.end(), offset,
                       [](std::uint64_t at, const Frame& frame) { return at < frame.first; });
  return static_cast<std::size_t>(next - frames_.begin()) - 1;
}

std::uint64_t PackedReader::frame_end(std::uint64_t offset) const {
  if (offset >= size_) return size_;
  const Frame& frame = frames_[frame_of(offset)];
  return frame.first + frame.plain;
}

bool PackedReader::load(std::size_t index) {
  if (loaded_ == index + 1) return true;
  loaded_ = 0;
  const Frame& frame = frames_[index];
  std::string packed(frame.packed, '\0');
  if (!read_all(file_.get(), frame.at, packed) || packed.size() < frame.packed) return false;
  text_.resize(frame.plain);
  const auto size = ZSTD_decompress(text_.data(), text_.size(), packed.data(), packed.size());
  if (ZSTD_isError(size) != 0 || size != frame.plain) return false;
  loaded_ = index + 1;
  return true;
}

}  // namespace banyan::leaf
