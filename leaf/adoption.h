#pragma once
// What a starting leaf finds of the one before it: processes that still run (or ended meanwhile),
// and what is remembered of each target. Plain values: from leaf/io to the supervisor and back.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/time.h"
#include "leaf/target_config.h"
#include "leaf/target_status.h"

namespace banyan::leaf {

struct AdoptedRun {
  std::string target;
  std::uint64_t generation = 0;
  int pid = 0;
  Time started{};
  bool changed = false;  // of another configuration: to be run anew
};

// To be kept over a restart of the agent, in memory only; told again when it has changed.
struct TargetMemory {
  std::string target;
  std::uint64_t generation = 0;
  unsigned restarts = 0;
  std::optional<LastExit> last_exit;
};

struct Legacy {
  std::vector<AdoptedRun> runs;  // one per target at most
  std::vector<TargetMemory> memories;
};

// Of what a running process was launched with: if it differs, the process has to be run anew.
std::uint64_t launch_hash(const TargetConfig& config);

}  // namespace banyan::leaf
