#include "leaf/io/stream_log.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>

#include <fmt/format.h>

namespace banyan::leaf {
namespace {

using std::chrono::steady_clock;

constexpr auto retry_after = std::chrono::seconds{1};
constexpr auto tell_every = std::chrono::minutes{10};
constexpr std::size_t offset_digits = 20;
constexpr mode_t folder_mode = 0750;

std::int64_t wall_ns() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(since_epoch).count();
}

// "stdout.00000000000000000042.log" -> 42
std::optional<std::uint64_t> first_offset(std::string_view file, std::string_view stream) {
  constexpr std::string_view ending = ".log";
  if (!file.starts_with(stream) || !file.ends_with(ending)) return std::nullopt;
  file.remove_prefix(stream.size());
  file.remove_suffix(ending.size());
  if (file.size() != offset_digits + 1 || file.front() != '.') return std::nullopt;
  file.remove_prefix(1);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(file.data(), file.data() + file.size(), value);
  if (error != std::errc{} || end != file.data() + file.size()) return std::nullopt;
  return value;
}

bool make_folders(const std::string& path) {
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const auto folder = path.substr(0, slash);
    if (::mkdir(folder.c_str(), folder_mode) < 0 && errno != EEXIST) return false;
    if (slash == std::string::npos) return true;
  }
}

short poll_now(int pipe) {
  pollfd entry = {pipe, POLLIN, 0};
  return ::poll(&entry, 1, 0) > 0 ? entry.revents : static_cast<short>(0);
}

bool has_bytes(int pipe) { return (poll_now(pipe) & POLLIN) != 0; }

bool at_end(int pipe) { return (poll_now(pipe) & (POLLIN | POLLHUP)) == POLLHUP; }

bool disk_full(int error) { return error == ENOSPC || error == EDQUOT; }

}  // namespace

StreamLog::StreamLog(std::string directory, std::string stream)
    : directory_(std::move(directory)), stream_(std::move(stream)) {
  scan();
}

void StreamLog::configure(const LogConfig& config) { config_ = config; }

void StreamLog::scan() {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory_, error)) {
    const auto first = first_offset(entry.path().filename().native(), stream_);
    if (!first) continue;
    const auto size = entry.file_size(error);
    if (!error) segments_.push_back({*first, size});
  }
  std::sort(segments_.begin(), segments_.end(),
            [](const Segment& a, const Segment& b) { return a.first < b.first; });
  for (std::size_t i = 0; i + 1 < segments_.size(); ++i) {
    segments_[i].size = std::min(segments_[i].size, segments_[i + 1].first - segments_[i].first);
  }
  if (!segments_.empty()) end_ = segments_.back().end();
}

StreamLog::Taken StreamLog::take(int pipe, std::uint64_t budget) {
  if (writer_ && writer_->gone()) {
    trouble_ = fmt::format("log directory {} was deleted: made again", directory_);
    close_writer();
    forget_missing();
  }
  Taken taken;
  while (taken.bytes < budget) {
    const auto wanted = budget - taken.bytes;
    const auto size = take_some(pipe, wanted);
    if (size < 0 && (errno == EINTR || handle_full(errno))) continue;
    taken.ended = size == 0;
    if (size <= 0) return taken;
    taken.bytes += static_cast<std::uint64_t>(size);
    // Most likely it is empty now. If not, it is still readable and the loop comes back.
    if (static_cast<std::uint64_t>(size) < wanted) return taken;
  }
  taken.more = true;
  return taken;
}

ssize_t StreamLog::take_some(int pipe, std::uint64_t max_bytes) {
  // No file for a stream that says nothing.
  if (!writer_ && !has_bytes(pipe)) return at_end(pipe) ? 0 : (errno = EAGAIN, -1);
  if (!open_writer()) return discard(pipe, max_bytes);
  const auto room = std::max<std::uint64_t>(config_.max_size, 1) - segments_.back().size;
  const auto size = writer_->take(pipe, std::min(max_bytes, room), stamp_ns_.value_or(wall_ns()));
  if (size > 0) {
    segments_.back().size += static_cast<std::uint64_t>(size);
    end_ += static_cast<std::uint64_t>(size);
  }
  return size;
}

bool StreamLog::open_writer() {
  const bool full =
      writer_ && segments_.back().size >= std::max<std::uint64_t>(config_.max_size, 1);
  if (full) close_writer();
  if (writer_) return true;
  if (steady_clock::now() < retry_at_) return false;
  if (start_segment()) return true;
  const bool room_left = disk_full(errno) && segments_.size() > 1;
  handle_full(errno);
  return room_left && start_segment();
}

bool StreamLog::start_segment() {
  if (!make_folders(directory_)) return false;
  const bool goes_on = !segments_.empty() && segments_.back().end() == end_ &&
                       segments_.back().size < config_.max_size;
  const std::uint64_t first = goes_on ? segments_.back().first : end_;
  SegmentWriter writer;
  if (!writer.open(segment_path(directory_, stream_, first), index_path(directory_, stream_, first),
                   first)) {
    return false;
  }
  if (!goes_on) segments_.push_back({first, 0});
  segments_.back().size = writer.size();
  end_ = segments_.back().end();
  writer_ = std::move(writer);
  while (segments_.size() > std::max(config_.max_files, 1U)) drop_oldest();
  return true;
}

void StreamLog::close_writer() {
  writer_.reset();
  if (segments_.empty() || segments_.back().size > 0) return;
  const auto first = segments_.back().first;
  ::unlink(segment_path(directory_, stream_, first).c_str());
  ::unlink(index_path(directory_, stream_, first).c_str());
  segments_.pop_back();
}

void StreamLog::forget_missing() {
  std::erase_if(segments_, [this](const Segment& segment) {
    struct stat info = {};
    return ::stat(segment_path(directory_, stream_, segment.first).c_str(), &info) < 0;
  });
}

void StreamLog::drop_oldest() {
  const auto first = segments_.front().first;
  ::unlink(segment_path(directory_, stream_, first).c_str());
  ::unlink(index_path(directory_, stream_, first).c_str());
  segments_.erase(segments_.begin());
}

bool StreamLog::handle_full(int error) {
  if (error == EAGAIN) return false;
  const auto now = steady_clock::now();
  if (now >= tell_at_) {
    tell_at_ = now + tell_every;
    trouble_ =
        fmt::format("log directory {} takes no more: {}", directory_, ::strerrordesc_np(error));
  }
  if (disk_full(error) && segments_.size() > 1) {
    drop_oldest();
    return true;
  }
  close_writer();
  retry_at_ = now + retry_after;
  return true;
}

ssize_t StreamLog::discard(int pipe, std::uint64_t max_bytes) {
  char buffer[64 << 10];
  const auto size = ::read(pipe, buffer, std::min<std::uint64_t>(max_bytes, sizeof buffer));
  if (size < 0 && errno != EAGAIN && errno != EINTR) return 0;  // no pipe any more
  if (size > 0) {
    end_ += static_cast<std::uint64_t>(size);
    dropped_bytes_ += static_cast<std::uint64_t>(size);
  }
  return size;
}

// The segment that begins behind the hole is made at once: it is what tells of the hole later.
void StreamLog::skip(std::uint64_t bytes) {
  close_writer();
  end_ += bytes;
  dropped_bytes_ += bytes;
  open_writer();
}

void StreamLog::cut(std::uint64_t offset) {
  writer_.reset();
  while (!segments_.empty() && segments_.back().first >= offset) {
    const auto first = segments_.back().first;
    ::unlink(segment_path(directory_, stream_, first).c_str());
    ::unlink(index_path(directory_, stream_, first).c_str());
    segments_.pop_back();
  }
  end_ = offset;
  if (segments_.empty() || segments_.back().end() <= offset) return;
  segments_.back().size = offset - segments_.back().first;
  const auto path = segment_path(directory_, stream_, segments_.back().first);
  static_cast<void>(::truncate(path.c_str(), static_cast<off_t>(segments_.back().size)) == 0);
}

std::string StreamLog::take_trouble() { return std::exchange(trouble_, {}); }

}  // namespace banyan::leaf
