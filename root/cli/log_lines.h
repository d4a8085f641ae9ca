#pragma once
// Log lines of the API's ndjson: reading them, prefixes for several targets, and where to resume.
// The API merges several targets by time. Pure.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "root/cli/marks.h"

namespace banyan::cli {

struct LogLine {
  std::string path;
  std::string stream;
  std::string time_text;  // RFC 3339 as it came
  std::optional<WallTime> time;
  std::optional<std::int64_t> offset;
  std::string line;            // the bytes, without the newline
  bool partial = false;        // no newline belongs after it
  std::string error;           // not empty: why this target gives no (more) lines
  std::int64_t gap_bytes = 0;  // more than 0: this many bytes were rotated away here
};

// Nothing when it is no such object.
std::optional<LogLine> parse_log_line(std::string_view json_text);
std::optional<std::string> decode_base64(std::string_view text);

// The shortest tail of each path that is unique among all of them.
std::map<std::string, std::string> short_names(const std::vector<std::string>& paths);

// Draws lines of several targets: name, time, text. New sources are shown with their whole path.
class LogPainter {
 public:
  LogPainter(const std::vector<std::string>& paths, bool wrap, const View& view);
  std::string draw(const LogLine& line) const;

 private:
  std::string text_of_line(const LogLine& line) const;

  std::map<std::string, std::string> names_;
  std::size_t width_ = 0;
  bool wrap_;
  View view_;
};

// What a follower has seen, so that a new connection continues without doubles and holes.
class LogPosition {
 public:
  // False when the line was seen before.
  bool take(const LogLine& line);
  // The parameters of the next request: `offset` when there is one source of one stream, else the
  // time of the last line; both may be empty.
  std::string offset() const;
  std::string since() const { return last_time_; }

 private:
  std::map<std::pair<std::string, std::string>, std::int64_t> offsets_;
  std::string last_time_;
};

}  // namespace banyan::cli
