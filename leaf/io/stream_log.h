#pragma once
// All that is kept of one stream (stdout or stderr) of one target: a row of segment files in one
// directory. Offsets count from the stream's first byte ever and grow over rotation and restart.
//
// Invariants: segments are ordered and do not overlap; end() >= the last one's end; a difference
// between two segments (or up to end()) is a hole: bytes that were dropped and counted. At most
// max_files times max_size bytes of text, in at most 32 times as many files: one ends at every
// hole. Only the last segment is open. Loop's thread.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "leaf/io/log_segment.h"
#include "leaf/io/segment_files.h"
#include "leaf/log_rate.h"
#include "leaf/target_config.h"

namespace banyan::leaf {

class StreamLog {
 public:
  // Finds what is in the directory (which need not exist). `stream`: "stdout" or "stderr".
  StreamLog(std::string directory, std::string stream, KeptFiles kept = KeptFiles::tidied);

  void configure(const LogConfig& config);
  const LogConfig& config() const { return config_; }

  struct Taken {
    std::uint64_t bytes = 0;
    bool more = false;     // the budget was used up
    bool ended = false;    // end of file
    bool blocked = false;  // the disk takes no more, and nothing may be dropped: try again later
  };
  // Moves what the pipe holds, at most `budget` bytes, into the segments. Never waits. When the
  // disk takes no more, first the oldest segments go, then the bytes are dropped and counted; with
  // on_full = block they stay where they are. What is above the rate is dropped and counted.
  Taken take(int pipe, std::uint64_t budget);

  // What is taken from now on came at this wall time, and is kept by somebody else until it is
  // stored here: nothing of it is dropped. Nothing = it comes when it is taken.
  void stamp(std::optional<std::int64_t> time_ns) { stamp_ns_ = time_ns; }
  // A hole of bytes that were lost before they came here.
  void skip(std::uint64_t bytes);
  // Forgets all from this offset on, which must be within what is kept as text.
  void cut(std::uint64_t offset);

  // Ends a segment that began long ago, forgets those that are too old.
  void expire(std::int64_t now_ns);
  // Forgets the oldest segment, the open one too.
  void drop_oldest();
  // Closed segments that are not compressed and were not handed out before.
  std::vector<std::uint64_t> take_unpacked();
  // The compressed file of this segment is complete: it takes the text's place.
  void packed(std::uint64_t first);

  std::uint64_t dropped_bytes() const { return dropped_bytes_; }
  std::uint64_t disk_bytes() const;
  // A sentence about the disk that was not handed out before; empty when all is well.
  std::string take_trouble();

  const SegmentFiles& files() const { return files_; }
  const std::vector<Segment>& segments() const { return segments_; }
  std::uint64_t begin() const { return segments_.empty() ? end_ : segments_.front().first; }
  std::uint64_t end() const { return end_; }

 private:
  bool may_discard() const;
  std::uint64_t segment_max() const;
  bool open_writer();
  bool start_segment();
  void close_writer();
  void close_segment();
  void keep_within_size();
  // After a deletion behind our back: keep what still exists.
  void forget_missing();
  enum class Full { no, again, blocked };
  Full handle_full(int error);
  ssize_t discard(int pipe, std::uint64_t max_bytes);
  ssize_t drop_above_rate(int pipe);
  ssize_t take_some(int pipe, std::uint64_t max_bytes);
  void say(std::string sentence);

  SegmentFiles files_;
  LogConfig config_;
  LogRate rate_;
  std::vector<Segment> segments_;
  std::uint64_t end_ = 0;
  std::optional<SegmentWriter> writer_;
  std::int64_t begun_ns_ = 0;  // when the open segment was opened
  std::optional<std::int64_t> stamp_ns_;
  std::uint64_t dropped_bytes_ = 0;
  std::string trouble_;
  std::chrono::steady_clock::time_point retry_at_;  // no writing before
  std::chrono::steady_clock::time_point tell_at_;   // no sentence about a full disk before
};

}  // namespace banyan::leaf
