#pragma once
// What is kept of one target: its two streams. Loop's thread.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "leaf/io/run_marks.h"
#include "leaf/io/stream_log.h"

namespace banyan::leaf {

struct TargetLogs {
  TargetLogs(const std::string& directory, std::string name, KeptFiles kept = KeptFiles::tidied)
      : target(std::move(name)),
        out(directory, "stdout", kept),
        err(directory, "stderr", kept),
        runs(directory) {}
  std::string target;
  StreamLog out;
  StreamLog err;
  RunMarks runs;
  unsigned out_pipes = 0;  // attached: somebody may finish the last line
  unsigned err_pipes = 0;
  std::vector<std::uint64_t> feeds;  // LogStore's own: what brings its bytes, oldest first
};

using LogsByTarget = std::map<std::string, std::unique_ptr<TargetLogs>>;

}  // namespace banyan::leaf
