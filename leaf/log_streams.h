#pragma once
// The log streams that somebody above has opened on this leaf: credit in bytes, one read at a time.
//
// A reader is asked for more only while there is credit, so a stopped reader stops the disk; the
// log files are the buffer. A stream ends by itself unless it follows, and dies with the session;
// one that is read at this very leaf (StreamTable::local_stream) does not.
// Bounds: max_streams; a read of at most read_bytes, one frame's worth. Pure, single threaded.

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "banyan/v1/link.pb.h"
#include "leaf/leaf_event.h"

namespace banyan::leaf {

// What goes up: data, and the end of a stream.
using RisingLog = std::variant<v1::StreamData, v1::StreamClose>;

class LogStreams {
 public:
  static constexpr std::size_t max_streams = 256;
  static constexpr std::uint64_t read_bytes = 120'000;
  // Less credit than this is saved up, so that a slow reader does not cause tiny reads.
  static constexpr std::uint64_t least_credit = 32'768;

  struct Output {
    std::vector<LogEffect> effects;
    std::vector<RisingLog> rising;
  };

  // `known`: whether the target is configured here.
  void on_open(const v1::StreamOpen& open, bool known, Output& out);
  void on_credit(const v1::StreamCredit& credit, Output& out);
  void on_close(const v1::StreamClose& close, Output& out);
  void on_log(LogEvent event, Output& out);
  void on_session_gone(Output& out);

  std::size_t size() const { return readers_.size(); }

 private:
  struct Reader {
    std::uint64_t stream = 0;
    std::uint64_t credit = 0;
    std::uint64_t wake_credit = 0;
    bool follow = false;
    bool reading = false;
    bool at_end = false;
  };
  void pump(std::uint64_t number, Reader& reader, Output& out);
  void end(std::uint64_t number, const std::string& reason, Output& out);
  void on_chunk(LogChunk& chunk, Output& out);

  std::map<std::uint64_t, Reader> readers_;           // by reader number
  std::map<std::uint64_t, std::uint64_t> by_stream_;  // stream -> reader number
  std::uint64_t last_reader_ = 0;
};

}  // namespace banyan::leaf
