#include "leaf/io/log_view.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "common/io/uninterrupted.h"

namespace banyan::leaf {
namespace {

constexpr std::size_t line_search_max = 256 << 10;

}  // namespace

const Segment* LogView::segment_at(std::uint64_t offset) const {
  const auto& segments = log_.segments();
  auto next = std::upper_bound(segments.begin(), segments.end(), offset,
                               [](std::uint64_t at, const Segment& s) { return at < s.first; });
  if (next == segments.begin()) return nullptr;
  const Segment& segment = *std::prev(next);
  return offset < segment.end() ? &segment : nullptr;
}

bool LogView::open(const Segment& segment) {
  if (is_open() && opened_first_ == segment.first) return true;
  opened_first_ = segment.first;
  const SegmentFiles& files = log_.files();
  index_.open(files.index(segment.first));
  file_.reset();
  packed_.close();
  if (segment.packed) return open_packed(segment);
  file_.reset(::open(files.plain(segment.first).c_str(), O_RDONLY | O_CLOEXEC));
  // A running leaf may have compressed it since somebody else looked into the folder.
  return file_ || open_packed(segment);
}

bool LogView::open_packed(const Segment& segment) {
  return packed_.open(log_.files().packed(segment.first));
}

void LogView::remember_unreadable(const Segment& segment, std::uint64_t offset) {
  bad_begin_ = offset;
  bad_end_ = segment.end();
  if (!packed_.is_open()) return;
  bad_end_ = std::min(bad_end_, segment.first + packed_.frame_end(offset - segment.first));
}

std::int64_t LogView::read_open(std::uint64_t at, char* to, std::size_t max) {
  if (packed_.is_open()) return packed_.read(at, to, max);
  return banyan::io::uninterrupted(
      [&] { return ::pread(file_.get(), to, max, static_cast<off_t>(at)); });
}

std::size_t LogView::read(std::uint64_t offset, std::size_t max, std::string& bytes) {
  std::size_t total = 0;
  while (total < max) {
    const Segment* segment = segment_at(offset);
    if (segment == nullptr || !open(*segment)) break;
    const auto wanted = std::min<std::uint64_t>(max - total, segment->end() - offset);
    const auto old_size = bytes.size();
    bytes.resize(old_size + wanted);
    const auto size = read_open(offset - segment->first, bytes.data() + old_size, wanted);
    bytes.resize(old_size + static_cast<std::size_t>(std::max<std::int64_t>(size, 0)));
    if (size <= 0) {
      remember_unreadable(*segment, offset);
      break;
    }
    total += static_cast<std::size_t>(size);
    offset += static_cast<std::uint64_t>(size);
  }
  return total;
}

std::uint64_t LogView::skip_hole(std::uint64_t offset) {
  if (offset >= bad_begin_ && offset < bad_end_) offset = bad_end_;
  const Segment* segment = segment_at(offset);
  while (segment != nullptr && !open(*segment)) {
    offset = segment->end();  // deleted by somebody else
    segment = segment_at(offset);
  }
  if (segment != nullptr) return offset;
  for (const auto& next : log_.segments()) {
    if (next.first >= offset && next.size > 0) return next.first;
  }
  return std::max(offset, log_.end());
}

std::uint64_t LogView::readable_before(std::uint64_t offset) {
  const Segment* segment = offset == 0 ? nullptr : segment_at(offset - 1);
  return segment != nullptr && open(*segment) ? segment->first : offset;
}

std::int64_t LogView::time_at(std::uint64_t offset) {
  const Segment* segment = segment_at(offset);
  if (segment == nullptr || !open(*segment) || index_.count() == 0) return 0;
  return index_.entry(index_.position(offset)).time_ns;
}

std::uint64_t LogView::next_later(std::uint64_t offset, std::uint64_t limit, std::int64_t time_ns) {
  std::uint64_t at = offset;
  while (at < limit) {
    const Segment* segment = segment_at(at);
    if (segment == nullptr || !open(*segment) || index_.count() == 0) return limit;
    for (auto i = index_.position(at); i < index_.count(); ++i) {
      const auto entry = index_.entry(i);
      if (entry.offset >= limit) return limit;
      if (entry.offset > offset && entry.time_ns > time_ns) return entry.offset;
    }
    at = segment->end();
  }
  return limit;
}

std::uint64_t LogView::first_since(std::int64_t time_ns) {
  for (const auto& segment : log_.segments()) {
    if (!open(segment) || index_.count() == 0) continue;
    if (index_.entry(index_.count() - 1).time_ns < time_ns) continue;
    return index_.entry(index_.first_since(time_ns)).offset;
  }
  return log_.end();
}

std::uint64_t LogView::line_end(std::uint64_t offset) {
  if (offset == 0 || offset >= log_.end()) return offset;
  std::string bytes;
  read(offset - 1, line_search_max, bytes);
  const auto newline = bytes.find('\n');
  return offset - 1 + (newline == std::string::npos ? bytes.size() : newline + 1);
}

}  // namespace banyan::leaf
