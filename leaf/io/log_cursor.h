#pragma once
// One stream of one reader: where it stands, and the next record from there.
//
// It moves in units: a whole line, or 256 KiB of a longer one. A unit that does not fit into one
// record goes on in the next records of this stream. Runs of units that came at the same time are
// one record. Loop's thread; bounded memory: one window, dropped by release().

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "leaf/io/log_view.h"
#include "leaf/leaf_event.h"

namespace banyan::leaf {

inline constexpr std::size_t log_record_max = 60'000;  // bytes of LogRecord::data
inline constexpr std::size_t log_unit_max = 256 << 10;

class LogCursor {
 public:
  LogCursor(const StreamLog& log, LogStream stream) : view_(log), stream_(stream) {}

  LogView& view() { return view_; }
  LogStream stream() const { return stream_; }
  std::uint64_t position() const { return position_; }
  std::uint64_t limit() const { return limit_; }
  void place(std::uint64_t offset) { position_ = offset; }

  // Nothing at or behind `limit` is delivered. `hold_partial`: nor is a last line without newline.
  void set_limit(std::uint64_t limit, bool hold_partial);

  // The hole at the position, stepped over.
  std::optional<LogRecord> take_gap();
  // Bytes of the unit (or the rest of it) at the position; 0 = nothing to deliver.
  std::size_t unit();
  // True when a record has ended within a unit: the next one of the reader must be from here.
  bool within_unit() const { return position_ < unit_end_; }
  // The following need unit() > 0.
  std::int64_t time();
  // The unit's bytes, valid until the next call that is not const.
  std::string_view unit_bytes();
  void skip_unit() { position_ += unit(); }
  // A record of at most `max` bytes: this unit and those behind it that are not later than
  // `time_limit`; with `single` this unit only.
  LogRecord take(std::size_t max, std::int64_t time_limit, bool single);

  void release();

 private:
  // Bytes from the position on that are in the window, after trying to have `wanted` of them.
  std::string_view window(std::size_t wanted);
  std::size_t run_length(std::size_t first, std::size_t max, std::int64_t time_limit);
  std::size_t find_unit();

  LogView view_;
  LogStream stream_;
  std::uint64_t position_ = 0;
  std::uint64_t unit_end_ = 0;
  std::int64_t unit_time_ = 0;  // of the unit that unit_end_ ends
  std::uint64_t limit_ = 0;
  bool hold_partial_ = false;
  std::string window_;
  std::uint64_t window_begin_ = 0;
};

}  // namespace banyan::leaf
