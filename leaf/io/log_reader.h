#pragma once
// One reader of a target's log: answers a LogQuery in chunks. See leaf_event.h for the query.
//
// - Without `follow` it ends at what was kept when it was opened; with it, it goes on for ever (or
//   until `until`), and a last line without newline is held back while somebody may finish it.
// - `tail` with `grep` means the last N lines that match; with `since` or `offset` the later
//   beginning holds.
// - Both streams are merged by the time their lines began, whole line by whole line.
// - `grep` sees lines without their newline; of a line above 256 KiB each such piece by itself.
// Loop's thread; the logs must outlive it. Each turn is bounded.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/result.h"
#include "leaf/io/log_cursor.h"
#include "leaf/io/log_tail.h"
#include "leaf/leaf_event.h"

namespace re2 {
class RE2;
}

namespace banyan::leaf {

struct TargetLogs {
  TargetLogs(const std::string& directory, std::string name)
      : target(std::move(name)), out(directory, "stdout"), err(directory, "stderr") {}
  std::string target;
  StreamLog out;
  StreamLog err;
  unsigned out_pipes = 0;  // attached: somebody may finish the last line
  unsigned err_pipes = 0;
  std::vector<std::uint64_t> feeds;  // LogStore's own: what brings its bytes, oldest first
};

class LogReader {
 public:
  // Refuses a query that makes no sense, naming why.
  static Result<std::unique_ptr<LogReader>> open(const TargetLogs& logs, const LogQuery& query);
  ~LogReader();

  // One turn. Nothing: not ready yet, call again in another turn with the same max_bytes.
  std::optional<LogChunk> read(std::uint64_t max_bytes);

  const TargetLogs& logs() const { return logs_; }
  bool follows() const { return query_.follow; }
  bool reads(LogStream stream) const;

 private:
  enum class Step { more, full, later, end };

  LogReader(const TargetLogs& logs, const LogQuery& query);
  void add(const StreamLog& log, LogStream stream);
  std::uint64_t floor_of(LogCursor& cursor) const;
  void set_limits();
  void prepare_tail();
  bool find_beginning();
  Step step(LogChunk& chunk, std::uint64_t max_bytes);
  bool take_gaps(LogChunk& chunk);
  LogCursor* next_cursor();
  std::int64_t time_limit(LogCursor& chosen);
  bool matches(std::string_view line) const;
  void append(LogChunk& chunk, LogRecord record);

  const TargetLogs& logs_;
  LogQuery query_;
  std::unique_ptr<re2::RE2> pattern_;
  std::vector<LogCursor> cursors_;   // stdout before stderr
  std::vector<std::uint64_t> ends_;  // of the cursors' streams when it was opened
  std::optional<TailFinder> tail_;   // until the beginning is found
  LogCursor* unfinished_ = nullptr;  // its unit goes on in the next record
  std::uint64_t used_ = 0;           // of the chunk's max_bytes
  std::uint64_t searched_ = 0;       // bytes looked at in this turn in vain
};

}  // namespace banyan::leaf
