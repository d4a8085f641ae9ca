#include "leaf/io/stream_log.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "common/io/clock.h"

namespace banyan::leaf {
namespace {

using std::chrono::steady_clock;

constexpr auto retry_after = std::chrono::seconds{1};
constexpr auto tell_every = std::chrono::minutes{10};
constexpr std::size_t files_per_full_one = 32;
constexpr std::uint64_t segment_min = 4096;
constexpr std::uint64_t segments_within_max_disk = 8;
constexpr int parts_of_max_age = 4;

std::int64_t wall_ns() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(since_epoch).count();
}

short poll_now(int pipe) {
  pollfd entry = {pipe, POLLIN, 0};
  return ::poll(&entry, 1, 0) > 0 ? entry.revents : static_cast<short>(0);
}

bool has_bytes(int pipe) { return (poll_now(pipe) & POLLIN) != 0; }

bool at_end(int pipe) { return (poll_now(pipe) & (POLLIN | POLLHUP)) == POLLHUP; }

bool disk_full(int error) { return error == ENOSPC || error == EDQUOT; }

}  // namespace

StreamLog::StreamLog(std::string directory, std::string stream, KeptFiles kept)
    : files_(std::move(directory), std::move(stream), kept) {
  segments_ = files_.find(trouble_);
  if (!segments_.empty()) end_ = segments_.back().end();
}

void StreamLog::configure(const LogConfig& config) {
  config_ = config;
  rate_.configure(config.rate);
}

StreamLog::Taken StreamLog::take(int pipe, std::uint64_t budget) {
  if (writer_ && writer_->gone()) {
    trouble_ = fmt::format("log directory {} was deleted: made again", files_.directory());
    close_writer();
    forget_missing();
  }
  Taken taken;
  while (taken.bytes < budget) {
    const auto wanted = budget - taken.bytes;
    const auto size = take_some(pipe, wanted);
    if (size < 0 && errno == EINTR) continue;
    const Full full = size < 0 ? handle_full(errno) : Full::no;
    if (full == Full::again) continue;
    taken.blocked = full == Full::blocked;
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
  if (config_.rate > 0 && !stamp_ns_) {
    max_bytes = rate_.allowed(banyan::io::read_clock().time, max_bytes);
    if (max_bytes == 0) return drop_above_rate(pipe);
  }
  if (!open_writer()) return may_discard() ? discard(pipe, max_bytes) : -1;
  const auto room = segment_max() - std::min(segment_max(), segments_.back().size);
  const auto time = stamp_ns_.value_or(wall_ns());
  const auto size = writer_->take(pipe, std::min(max_bytes, room), time);
  if (size > 0) {
    segments_.back().last_ns = time;
    segments_.back().size += static_cast<std::uint64_t>(size);
    segments_.back().disk = segments_.back().size;
    end_ += static_cast<std::uint64_t>(size);
    rate_.used(static_cast<std::uint64_t>(size));
  }
  return size;
}

// A hole ends the segment.
ssize_t StreamLog::drop_above_rate(int pipe) {
  constexpr std::uint64_t at_once = 64 << 10;
  const auto size = discard(pipe, at_once);
  if (size <= 0) return size;
  if (writer_) close_segment();
  say(fmt::format("{}/{}: more than log.rate, {} bytes per second: dropped and counted",
                  files_.directory(), files_.stream(), config_.rate));
  return size;
}

// What was spilled is on the disk already: it can stay there.
bool StreamLog::may_discard() const { return config_.on_full != OnFull::block && !stamp_ns_; }

std::uint64_t StreamLog::segment_max() const {
  const auto most = std::max<std::uint64_t>(config_.max_size, 1);
  if (config_.max_disk == 0) return most;
  return std::min(most, std::max(config_.max_disk / segments_within_max_disk, segment_min));
}

bool StreamLog::open_writer() {
  if (writer_ && segments_.back().size >= segment_max()) close_segment();
  if (writer_) return true;
  if (may_discard() && steady_clock::now() < retry_at_) return false;
  if (start_segment()) return true;
  const int error = errno;
  const bool room_left =
      config_.on_full != OnFull::block && disk_full(error) && segments_.size() > 1;
  if (may_discard() || room_left) handle_full(error);
  if (room_left && start_segment()) return true;
  errno = error;
  return false;
}

bool StreamLog::start_segment() {
  if (!files_.make_directory()) return false;
  const bool goes_on = !segments_.empty() && !segments_.back().closed &&
                       segments_.back().end() == end_ && segments_.back().size < segment_max();
  const std::uint64_t first = goes_on ? segments_.back().first : end_;
  SegmentWriter writer;
  if (!writer.open(files_.plain(first), files_.index(first), first)) return false;
  if (!goes_on) {
    if (!segments_.empty() && !segments_.back().closed) close_segment();
    segments_.emplace_back().first = first;
  }
  segments_.back().size = writer.size();
  end_ = segments_.back().end();
  writer_ = std::move(writer);
  begun_ns_ = wall_ns();
  keep_within_size();
  return true;
}

void StreamLog::keep_within_size() {
  const auto files = std::max<std::uint64_t>(config_.max_files, 1);
  const auto most = (files - 1) * segment_max();  // beside the open one
  std::uint64_t older = 0;
  for (const auto& segment : segments_) older += segment.size;
  older -= segments_.back().size;
  while (segments_.size() > 1 && (older > most || segments_.size() > files * files_per_full_one)) {
    older -= segments_.front().size;
    drop_oldest();
  }
}

void StreamLog::close_writer() {
  writer_.reset();
  if (segments_.empty() || segments_.back().size > 0) return;
  files_.remove(segments_.back());
  segments_.pop_back();
}

void StreamLog::close_segment() {
  close_writer();
  if (segments_.empty() || segments_.back().closed) return;
  files_.measure(segments_.back());
  segments_.back().closed = true;
}

void StreamLog::forget_missing() {
  std::erase_if(segments_, [this](const Segment& segment) {
    Segment there = segment;
    return !files_.measure(there);
  });
}

void StreamLog::drop_oldest() {
  if (segments_.empty()) return;
  if (segments_.size() == 1) close_writer();
  if (segments_.empty()) return;
  files_.remove(segments_.front());
  segments_.erase(segments_.begin());
}

void StreamLog::expire(std::int64_t now_ns) {
  const std::int64_t most = config_.max_age.count();
  if (most <= 0) return;
  if (writer_ && begun_ns_ + most / parts_of_max_age <= now_ns) close_segment();
  // One that is open began less than that ago, or has been silent since the start.
  while (!segments_.empty() && !(writer_ && segments_.size() == 1) &&
         segments_.front().last_ns + most <= now_ns) {
    drop_oldest();
  }
}

std::vector<std::uint64_t> StreamLog::take_unpacked() {
  std::vector<std::uint64_t> found;
  for (auto& segment : segments_) {
    if (!segment.closed || segment.packed || std::exchange(segment.pack_tried, true)) continue;
    found.push_back(segment.first);
  }
  return found;
}

void StreamLog::packed(std::uint64_t first) {
  const auto segment = std::find_if(segments_.begin(), segments_.end(),
                                    [first](const Segment& known) { return known.first == first; });
  if (segment != segments_.end() && !segment->packed) {
    Segment small = *segment;
    small.packed = true;
    if (files_.measure(small) && small.size >= segment->size) {
      small.size = segment->size;
      ::unlink(files_.plain(first).c_str());
      *segment = small;
      return;
    }
  }
  ::unlink(files_.packed(first).c_str());  // of a segment that is gone by now
}

std::uint64_t StreamLog::disk_bytes() const {
  std::uint64_t total = 0;
  for (const auto& segment : segments_) total += segment.disk;
  return total;
}

void StreamLog::say(std::string sentence) {
  const auto now = steady_clock::now();
  if (now < tell_at_) return;
  tell_at_ = now + tell_every;
  trouble_ = std::move(sentence);
}

StreamLog::Full StreamLog::handle_full(int error) {
  if (error == EAGAIN) return Full::no;
  const bool waits = config_.on_full == OnFull::block;
  say(fmt::format("log directory {} takes no more: {}{}", files_.directory(),
                  ::strerrordesc_np(error), waits ? "; the target waits, as on_full says" : ""));
  if (!waits && disk_full(error) && segments_.size() > 1) {
    drop_oldest();
    return Full::again;
  }
  close_writer();
  retry_at_ = steady_clock::now() + retry_after;
  return may_discard() ? Full::again : Full::blocked;
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
    files_.remove(segments_.back());
    segments_.pop_back();
  }
  end_ = offset;
  if (segments_.empty() || segments_.back().end() <= offset) return;
  Segment& last = segments_.back();
  last.size = offset - last.first;
  last.closed = last.packed;
  const auto path = files_.plain(last.first);
  static_cast<void>(::truncate(path.c_str(), static_cast<off_t>(last.size)) == 0);
}

std::string StreamLog::take_trouble() { return std::exchange(trouble_, {}); }

}  // namespace banyan::leaf
