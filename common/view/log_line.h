#pragma once
// The records of a log stream cut into lines, and lines written for the reader. Pure.
//
// A line that is split over records is joined, up to max_line; then it is cut. stdout and stderr of
// one stream are joined apart.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "banyan/v1/link.pb.h"

namespace banyan::view {

inline constexpr std::uint32_t channel_out = 1;
inline constexpr std::uint32_t channel_err = 2;

struct LogPiece {
  std::uint32_t channel = channel_out;
  std::int64_t time_ns = 0;
  std::uint64_t offset = 0;
  std::string bytes;            // with its newline, unless it is cut or the last one
  std::uint64_t gap_bytes = 0;  // > 0: a hole; no bytes
  std::uint64_t credit = 0;     // to be given back once it is written
};

class LineJoiner {
 public:
  static constexpr std::size_t max_line = 1U << 20U;

  // In raw mode every record is one piece as it is.
  explicit LineJoiner(bool raw = false) : raw_(raw) {}

  // Appends whole lines. Returns how many bytes of credit can be given back at once: those that are
  // kept here (or else a line longer than the window would wait for itself).
  std::uint64_t take(const v1::LogRecord& record, std::vector<LogPiece>& pieces);
  // What is left when nothing more can come.
  void flush(std::vector<LogPiece>& pieces);
  // The other channel's half, for a stream that goes on as two.
  LineJoiner split_off(std::uint32_t channel);
  void set_raw(bool raw) { raw_ = raw; }

 private:
  static std::size_t index_of(std::uint32_t channel) { return channel == channel_err ? 1 : 0; }

  bool raw_ = false;
  std::array<LogPiece, 2> begun_;
};

// One line of ndjson for this piece, with its newline.
std::string ndjson_line(std::string_view path, const LogPiece& piece);
std::string ndjson_error(std::string_view path, std::string_view reason);

std::string base64(std::string_view bytes);

}  // namespace banyan::view
