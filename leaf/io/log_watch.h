#pragma once
// Waits for a line of a target's output that matches a pattern, from given places in its streams
// on. Whole lines only; a last line without newline counts once nobody can finish it any more.
// Loop's thread; the logs must outlive it.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "leaf/io/log_reader.h"

namespace banyan::leaf {

struct LogPlace {  // offsets in the two streams
  std::uint64_t out = 0;
  std::uint64_t err = 0;
};

LogPlace end_of(const TargetLogs& logs);

class LogWatch {
 public:
  enum class Look { found, nothing, not_yet };

  // `pattern` is RE2.
  static Result<LogWatch> open(const TargetLogs& logs, const std::string& pattern, LogPlace from);

  // One bounded turn; after not_yet look again in another one, after nothing when the log grew.
  Look look();
  const std::string& line() const { return line_; }  // found; without newline

 private:
  std::vector<std::unique_ptr<LogReader>> readers_;
  std::string line_;
};

}  // namespace banyan::leaf
