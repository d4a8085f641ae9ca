#pragma once
// What a starting leaf finds of the one before it: processes that still run (or ended meanwhile),
// and what is remembered of each target. Plain values: from leaf/io to the supervisor and back.

#include <cstdint>
#include <deque>
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
  bool changed = false;   // of another configuration: to be run anew
  bool known = false;     // to the root, as it is: there is nothing to tell
  bool starting = false;  // it was not ready yet; otherwise it counts as ready
};

// It is over and a newer run of its target was launched, but nobody knows whether its end was told:
// its ProcessExited comes before any of the newer run.
struct EndedRun {
  std::string target;
  std::uint64_t generation = 0;
  Time started{};
  WallTime ended{};
};

// To be kept over a restart of the agent, in memory only; told again when it has changed.
struct TargetMemory {
  std::string target;
  std::uint64_t generation = 0;
  unsigned restarts = 0;
  std::optional<LastExit> last_exit;
};

// Where a target stands, for the program that replaces this one in the same process.
struct TargetPosition {
  TargetMemory memory;
  TargetState state = TargetState::pending;
  std::string error;
  WallTime since{};
  Time ready_at = never;
  Time retry_at = never;  // backing_off
  unsigned failures = 0;  // restarts in a row
  std::deque<Time> restarts_at;
};

struct Legacy {
  std::vector<AdoptedRun> runs;  // one per target at most
  std::vector<TargetMemory> memories;
  std::vector<TargetPosition> positions = {};  // newer than the memories
  std::vector<EndedRun> ended = {};            // earlier runs of targets in `runs`, in order
};

// Of what a running process was launched with: if it differs, the process has to be run anew. An
// upgrade must not make it differ: what is added later is added only when it is set, to the end.
std::uint64_t launch_hash(const TargetConfig& config);

}  // namespace banyan::leaf
