#pragma once
// What a leaf is told beside its link's events, and what it asks for beside its link's effects:
// processes, checks, gauges and log files. Performed by leaf/io (or by the simulated world).

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/base/time.h"
#include "common/tree/gauge_table.h"
#include "leaf/target_config.h"

namespace banyan::leaf {

// ---- processes: in
struct Launched {
  std::string target;
  std::uint64_t generation = 0;
  int pid = 0;
};
struct LaunchFailed {  // nothing was left behind
  std::string target;
  std::uint64_t generation = 0;
  int error_number = 0;  // errno
  std::string text;      // "exec /no/such: No such file or directory (ENOENT)"
};
struct ProcessExited {  // the main process of this generation was reaped
  std::string target;
  std::uint64_t generation = 0;
  int code = 0;    // exit code when signal == 0
  int signal = 0;  // the signal that ended it
  bool core = false;
  bool unknown = false;             // nobody could say how: code is -1
  std::optional<WallTime> at = {};  // when it was not just now
  bool oom = false;  // the kernel killed it, or another of its group, for want of memory
  // What it used, with the children that it waited for; all 0 = not known.
  std::int64_t user_ms = 0;
  std::int64_t system_ms = 0;
  std::int64_t max_rss_bytes = 0;  // of the largest single process
};
struct SubtreeGone {  // answers EndSubtree: no process of this generation is left (but
                      // `unkillable`)
  std::string target;
  std::uint64_t generation = 0;
  unsigned killed = 0;
  unsigned unkillable = 0;
};
using ProcessEvent = std::variant<Launched, LaunchFailed, ProcessExited, SubtreeGone>;

// ---- processes: out
struct Launch {
  std::string target;
  std::uint64_t generation = 0;
  TargetConfig config;
};
struct SignalProcess {  // to the main process; with `group` to its whole process group
  std::string target;
  std::uint64_t generation = 0;
  int signal = 0;
  bool group = false;
  bool resume = false;  // CONT behind it: a stopped process would not hear it
};
struct EndSubtree {  // KILL every process that carries this generation's mark, until none is left
  std::string target;
  std::uint64_t generation = 0;
};
using ProcessEffect = std::variant<Launch, SignalProcess, EndSubtree>;

// ---- checks: out
enum class CheckPurpose { ready, health };

// One try; answered by one CheckResult, unless the generation ends first. A `log` or `fd` check
// waits for its line until the check is cancelled.
struct RunCheck {
  std::string target;
  std::uint64_t generation = 0;
  CheckPurpose purpose = CheckPurpose::ready;
  CheckConfig check;
};
struct CancelChecks {  // all of this generation; no result comes any more
  std::string target;
  std::uint64_t generation = 0;
};
using CheckEffect = std::variant<RunCheck, CancelChecks>;

// ---- checks: in
enum class Health { unknown, healthy, degraded, unhealthy };

struct CheckResult {
  std::string target;
  std::uint64_t generation = 0;
  CheckPurpose purpose = CheckPurpose::ready;
  Health health = Health::unknown;
  std::string text;  // first line of its output, or why it failed
};
struct Notified {  // the target spoke by sd_notify
  std::string target;
  std::uint64_t generation = 0;
  bool ready = false;
  bool stopping = false;
  bool reloading = false;
  bool watchdog = false;
  std::int64_t extend_ms = 0;  // EXTEND_TIMEOUT_USEC
  std::string status;          // empty = not said
};
using CheckEvent = std::variant<CheckResult, Notified>;

// ---- gauges: out
struct SampleUsage {  // one look at all processes of these; answered by one UsageSampled
  std::vector<std::string> targets;
  bool everything = false;  // comes back; the load of the host is wanted, too
};

// ---- gauges: in
struct TargetUsage {  // of all processes of one run together
  std::string target;
  std::uint64_t generation = 0;
  Duration cpu_used{0};  // since the run began, as far as samples have seen it; only rises
  std::uint64_t rss_bytes = 0;
  unsigned open_fds = 0;  // of those that may be looked at; counted for `everything` only
  unsigned processes = 0;
  Duration uptime{0};  // of the main process
};
struct UsageSampled {
  std::vector<TargetUsage> targets;  // those of them that run
  bool everything = false;
  tree::HostLoad host;
};

// ---- logs
enum class LogStream : std::uint8_t { both = 0, out = 1, err = 2 };

struct LogQuery {
  std::string target;
  LogStream stream = LogStream::both;
  bool follow = false;
  std::int64_t tail = -1;  // last N lines (over the chosen streams together); -1 = all that is kept
  std::int64_t offset = -1;    // byte offset in the one chosen stream to begin at; -1 = not given
  std::int64_t since_ms = -1;  // wall time; -1 = not given
  std::int64_t until_ms = -1;
  std::string grep;  // RE2; empty = every line
};

// Bytes of one stream, in order. `data` ends at a line's end, unless the line goes on in the next
// record of this stream (a very long line, or the last one, still unfinished, at the end).
struct LogRecord {
  LogStream stream = LogStream::out;
  std::int64_t time_ns = 0;  // wall time at which the bytes were taken from the target
  std::uint64_t offset = 0;  // of data[0] since the stream's first byte ever; grows over rotation
  std::string data;
  std::uint64_t gap_bytes = 0;  // > 0: a hole of so many bytes (rotated away); data is empty
};

// out
struct OpenLog {  // answered by LogFailed when it cannot be; ReadLog may follow at once
  std::uint64_t reader = 0;
  LogQuery query;
};
struct ReadLog {  // hand over at most about max_bytes; answered by one LogChunk
  std::uint64_t reader = 0;
  std::uint64_t max_bytes = 0;
};
struct CloseLog {
  std::uint64_t reader = 0;
};
using LogEffect = std::variant<OpenLog, ReadLog, CloseLog>;

// in
struct LogChunk {
  std::uint64_t reader = 0;
  std::vector<LogRecord> records;
  bool at_end = false;  // nothing more at present (the end, unless the query follows)
};
struct LogFailed {  // the reader does not exist (any more)
  std::uint64_t reader = 0;
  std::string text;
};
struct LogGrew {  // there may be something new for this reader, which was at_end
  std::uint64_t reader = 0;
};
using LogEvent = std::variant<LogChunk, LogFailed, LogGrew>;

}  // namespace banyan::leaf
