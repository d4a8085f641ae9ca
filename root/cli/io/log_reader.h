#pragma once
// `banyan logs` of what kind: bytes straight through, or lines that are parsed, prefixed and
// resumed. One per run; single thread.

#include <string>
#include <vector>

#include "root/cli/io/session.h"
#include "root/cli/log_lines.h"

namespace banyan::cli {

// Splits a byte stream into lines. Bound: a line beyond max_line is passed on in pieces.
class LineBuffer {
 public:
  static constexpr std::size_t max_line = 16U << 20U;

  template <class Handler>
  void feed(std::string_view bytes, Handler handler) {
    for (std::size_t end = bytes.find('\n'); end != std::string_view::npos;
         end = bytes.find('\n')) {
      held_ += bytes.substr(0, end);
      handler(std::string_view(held_));
      held_.clear();
      bytes.remove_prefix(end + 1);
    }
    held_ += bytes;
    if (held_.size() <= max_line) return;
    handler(std::string_view(held_));
    held_.clear();
  }
  void reset() { held_.clear(); }

 private:
  std::string held_;
};

class LogReader {
 public:
  // `query`: what the person asked for, without format, follow, offset.
  LogReader(Session& session, Query query, std::vector<std::string> paths);

  Outcome<int> copy_bytes();
  Outcome<int> read_lines();

 private:
  HttpRequest request_for(const char* format) const;
  void take_line(std::string_view text);
  void take_error(const LogLine& line, std::string_view text);
  bool may_come_back(const HttpAnswer& answer) const;
  // After a broken connection: says so once, waits, narrows the query. False when Ctrl-C came.
  bool reconnect(const HttpAnswer& answer);
  void print_plain(const LogLine& line);
  // Writes what the lines so far came to; false when the reader is gone.
  bool push();
  void connected();
  void say_sum();

  Session& session_;
  const LogArguments& log_;
  Query query_;
  std::vector<std::string> paths_;
  bool plain_;   // one target: no prefix
  bool ndjson_;  // the API's lines as they are
  View view_;
  LogPainter painter_;
  LogPosition position_;
  std::string out_;  // of the piece of input at hand
  LineBuffer lines_;
  bool resumed_ = false;
  bool lost_ = false;
  std::size_t shown_ = 0;
  std::size_t unreadable_ = 0;
  std::size_t failed_ = 0;  // targets that gave an error
  Duration retry_in_;
};

}  // namespace banyan::cli
