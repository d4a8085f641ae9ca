#pragma once
// All that is kept of one stream (stdout or stderr) of one target: a row of segment files in one
// directory. Offsets count from the stream's first byte ever and grow over rotation and restart.
//
// Invariants: segments are ordered and do not overlap; end() >= the last one's end; a difference
// between two segments (or up to end()) is a hole: bytes that were dropped and counted. At most
// max_files segments of at most max_size bytes each.
// Only the last segment is open. Loop's thread.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "leaf/io/log_segment.h"
#include "leaf/target_config.h"

namespace banyan::leaf {

struct Segment {
  std::uint64_t first = 0;
  std::uint64_t size = 0;
  std::uint64_t end() const { return first + size; }
};

class StreamLog {
 public:
  // Finds what is in the directory (which need not exist). `stream`: "stdout" or "stderr".
  StreamLog(std::string directory, std::string stream);

  void configure(const LogConfig& config);

  struct Taken {
    std::uint64_t bytes = 0;
    bool more = false;   // the budget was used up
    bool ended = false;  // end of file
  };
  // Moves what the pipe holds, at most `budget` bytes, into the segments. Never waits; when the
  // disk takes no more, first the oldest segments go, then the bytes are dropped and counted.
  Taken take(int pipe, std::uint64_t budget);

  // What is taken from now on came at this wall time; nothing = when it is taken.
  void stamp(std::optional<std::int64_t> time_ns) { stamp_ns_ = time_ns; }
  // A hole of bytes that were lost before they came here.
  void skip(std::uint64_t bytes);
  // Forgets all from this offset on, which must be within what is kept.
  void cut(std::uint64_t offset);

  std::uint64_t dropped_bytes() const { return dropped_bytes_; }
  // A sentence about the disk that was not handed out before; empty when all is well.
  std::string take_trouble();

  const std::string& directory() const { return directory_; }
  const std::string& stream() const { return stream_; }
  const std::vector<Segment>& segments() const { return segments_; }
  std::uint64_t begin() const { return segments_.empty() ? end_ : segments_.front().first; }
  std::uint64_t end() const { return end_; }

 private:
  void scan();
  bool open_writer();
  bool start_segment();
  void close_writer();
  // After a deletion behind our back: keep what still exists.
  void forget_missing();
  void drop_oldest();
  // Returns whether to try again.
  bool handle_full(int error);
  ssize_t discard(int pipe, std::uint64_t max_bytes);
  ssize_t take_some(int pipe, std::uint64_t max_bytes);

  std::string directory_;
  std::string stream_;
  LogConfig config_;
  std::vector<Segment> segments_;
  std::uint64_t end_ = 0;
  std::optional<SegmentWriter> writer_;
  std::optional<std::int64_t> stamp_ns_;
  std::uint64_t dropped_bytes_ = 0;
  std::string trouble_;
  std::chrono::steady_clock::time_point retry_at_;  // no writing before
  std::chrono::steady_clock::time_point tell_at_;   // no sentence about a full disk before
};

}  // namespace banyan::leaf
