#include "leaf/io/log_cursor.h"

#include <algorithm>
#include <cstring>

#include "common/base/check.h"

namespace banyan::leaf {
namespace {

constexpr std::size_t window_min = 32 << 10;
// Batches so close to each other share a record and its time.
constexpr std::int64_t same_time_ns = 10'000'000;

}  // namespace

void LogCursor::set_limit(std::uint64_t limit, bool hold_partial) {
  limit_ = limit;
  hold_partial_ = hold_partial;
  view_.refresh();
}

void LogCursor::release() {
  window_.clear();
  window_.shrink_to_fit();
}

std::optional<LogRecord> LogCursor::take_gap() {
  if (position_ >= limit_) return std::nullopt;
  const auto next = std::min(view_.skip_hole(position_), limit_);
  if (next == position_) return std::nullopt;
  LogRecord record;
  record.stream = stream_;
  record.offset = position_;
  record.gap_bytes = next - position_;
  record.time_ns = view_.time_at(next);
  position_ = next;
  unit_end_ = next;
  return record;
}

std::string_view LogCursor::window(std::size_t wanted) {
  wanted = std::min<std::uint64_t>(wanted, limit_ - position_);
  const bool inside = position_ >= window_begin_ && position_ <= window_begin_ + window_.size();
  if (!inside) window_.clear();
  if (window_.empty()) window_begin_ = position_;
  if (window_begin_ + window_.size() < position_ + wanted) {
    window_.erase(0, position_ - window_begin_);
    window_begin_ = position_;
    const auto missing = std::max(wanted, window_min) - window_.size();
    view_.read(position_ + window_.size(), missing, window_);
  }
  const auto begin = position_ - window_begin_;
  return std::string_view(window_).substr(begin, limit_ - position_);
}

std::size_t LogCursor::unit() {
  if (position_ >= limit_) return 0;
  return within_unit() ? std::min(unit_end_, limit_) - position_ : find_unit();
}

std::size_t LogCursor::find_unit() {
  std::size_t searched = 0;
  // A line that is there already costs one look; only long ones make the window grow.
  for (std::size_t wanted = 1; wanted <= log_unit_max; wanted = std::max(wanted * 2, window_min)) {
    const auto bytes = window(wanted).substr(0, log_unit_max);
    const auto newline = bytes.find('\n', searched);
    if (newline != std::string_view::npos) return newline + 1;
    searched = bytes.size();
    if (searched == log_unit_max) return log_unit_max;
    if (searched < wanted) break;
  }
  const bool at_limit = position_ + searched >= limit_;
  return at_limit && hold_partial_ ? 0 : searched;
}

std::int64_t LogCursor::time() { return within_unit() ? unit_time_ : view_.time_at(position_); }

std::string_view LogCursor::unit_bytes() {
  const auto size = unit();
  return window(size).substr(0, size);
}

std::size_t LogCursor::run_length(std::size_t first, std::size_t max, std::int64_t time_limit) {
  const auto bytes = window(max).substr(0, max);
  const auto latest = std::min(time_limit, time() + same_time_ns);
  const auto boundary = view_.next_later(position_, position_ + bytes.size(), latest) - position_;
  std::size_t length = bytes.size();
  if (boundary < length) {
    // The line that began before the boundary belongs to the time at which it began.
    const auto newline = bytes.find('\n', boundary - 1);
    if (newline != std::string_view::npos) length = newline + 1;
  }
  const auto newline = bytes.substr(0, length).rfind('\n');
  return newline == std::string_view::npos ? first : std::max(first, newline + 1);
}

LogRecord LogCursor::take(std::size_t max, std::int64_t time_limit, bool single) {
  const std::size_t first = unit();
  CHECK(first > 0 && max > 0);
  LogRecord record;
  record.stream = stream_;
  record.time_ns = time();
  record.offset = position_;
  std::size_t length = std::min(first, max);
  if (first > max) {
    unit_time_ = record.time_ns;
    unit_end_ = position_ + first;
  } else if (!single && !within_unit()) {
    length = run_length(first, max, time_limit);
  }
  record.data = window(length).substr(0, length);
  position_ += record.data.size();
  return record;
}

}  // namespace banyan::leaf
