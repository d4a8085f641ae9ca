#pragma once
// Reading the segments of one stream: bytes by offset, times by offset, offsets by time. Keeps one
// segment open. Sees what the writer adds after refresh(). Bytes that were rotated away, dropped
// or damaged are holes. Loop's thread; the StreamLog must outlive it.

#include <cstdint>
#include <string>

#include "leaf/io/packed_segment.h"
#include "leaf/io/stream_log.h"

namespace banyan::leaf {

class LogView {
 public:
  explicit LogView(const StreamLog& log) : log_(log) {}

  // Once per turn, before anything else.
  void refresh() { index_.refresh(); }

  const StreamLog& log() const { return log_; }
  // Appends to `bytes` at most `max` bytes from `offset` on; fewer only before a hole or the end.
  std::size_t read(std::uint64_t offset, std::size_t max, std::string& bytes);
  // `offset` itself when it can be read, else the end of the hole it lies in; never above end().
  std::uint64_t skip_hole(std::uint64_t offset);
  // The beginning of the unbroken bytes that end at `offset`, looking into one segment only;
  // `offset` itself when a hole ends there.
  std::uint64_t readable_before(std::uint64_t offset);

  std::int64_t time_at(std::uint64_t offset);
  // The first batch that begins in (offset, limit) and is later than `time_ns`; limit if none.
  std::uint64_t next_later(std::uint64_t offset, std::uint64_t limit, std::int64_t time_ns);
  // The first batch at or after `time_ns`; end() if none.
  std::uint64_t first_since(std::int64_t time_ns);

  // The end of the line that the byte before `offset` belongs to (just behind its newline);
  // looks 256 KiB ahead at most.
  std::uint64_t line_end(std::uint64_t offset);

 private:
  const Segment* segment_at(std::uint64_t offset) const;
  bool open(const Segment& segment);
  bool is_open() const { return file_ || packed_.is_open(); }
  bool open_packed(const Segment& segment);
  void remember_unreadable(const Segment& segment, std::uint64_t offset);
  // As pread(2), from the open segment.
  std::int64_t read_open(std::uint64_t at, char* to, std::size_t max);

  const StreamLog& log_;
  Descriptor file_;      // of a segment as text
  PackedReader packed_;  // or of a compressed one
  IndexReader index_;
  std::uint64_t opened_first_ = 0;
  std::uint64_t bad_begin_ = 0;  // bytes that should be there and cannot be read: a hole
  std::uint64_t bad_end_ = 0;
};

}  // namespace banyan::leaf
