#pragma once
// What /proc says about processes, and an exact way to kill one of them. Every answer may be out
// of date when it is read: callers look again until nothing changes.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace banyan::leaf {

struct ProcessInfo {
  int pid = 0;
  int parent = 0;
  int session = 0;
  char state = '?';
  int threads = 0;          // also those that have ended and wait for the last one
  std::uint64_t start = 0;  // clock ticks since boot: tells apart two processes of one pid

  // A process whose first thread has ended, and others not, looks like a zombie.
  bool dead() const { return state == 'X' || (state == 'Z' && threads <= 1); }
};

std::optional<ProcessInfo> process_info(int pid);

// All processes, zombies too.
std::vector<ProcessInfo> all_processes();

// Those of `processes` that descend from `ancestor`, itself not included.
std::vector<ProcessInfo> descendants_of(int ancestor, const std::vector<ProcessInfo>& processes);

// The same without a look at anybody else, by what the kernel lists of each one's children; nothing
// where it keeps no such lists. What changes its parent meanwhile may be missing.
std::optional<std::vector<ProcessInfo>> descendants_of(const std::vector<int>& ancestors);

// The process's BANYAN_TARGET (asked of any of its threads) as it was at its execve; empty when
// there is none, when it may not be read, or when it lies beyond the first MiB.
std::string process_mark(int pid);

// Sends KILL to exactly this process, never to a later one of the same pid. False when it is gone
// or not ours to kill.
bool kill_exactly(const ProcessInfo& process);

}  // namespace banyan::leaf
