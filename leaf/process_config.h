#pragma once
// What a target's process is given beside its command: identity, limits, priorities, input. Plain
// values, read by leaf/io/process_fields, applied by leaf/io/launcher. Secrets are not in here: the
// file that holds them is named, and read at each launch.

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace banyan::leaf {

enum class ResourceKind { nofile, core, as, cpu_time, nproc, fsize, memlock, stack };

struct ResourceLimit {
  static constexpr std::uint64_t unlimited = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t soft = unlimited;  // bytes, seconds (cpu_time) or a count
  std::uint64_t hard = unlimited;
  bool operator==(const ResourceLimit&) const = default;
};

enum class IoClass { realtime = 1, best_effort = 2, idle = 3 };  // the kernel's numbers

struct IoPriority {
  IoClass kind = IoClass::best_effort;
  unsigned level = 4;  // 0 (first) ... 7
  bool operator==(const IoPriority&) const = default;
};

struct ProcessConfig {
  std::string env_file;             // KEY=VALUE lines; empty = none
  std::string user;                 // name or number; empty = the leaf's own
  std::string group;                // empty = the user's first one
  std::vector<std::string> groups;  // beside those of the user
  std::string input = "null";       // "null", "inherit" (the leaf's own), or a file
  bool pass_output = false;         // to the leaf's own stdout and stderr; nothing is kept
  std::map<ResourceKind, ResourceLimit> limits;
  std::optional<int> nice;
  std::optional<IoPriority> io_priority;
  std::optional<int> oom_score_adj;
  bool no_new_privs = false;
  std::uint64_t memory_max = 0;  // bytes of the whole subtree, by its cgroup; 0 = no limit
  double cpu_max = 0;            // CPUs, likewise
  // argv; told of each launch and of each exit.
  std::vector<std::string> on_start;
  std::vector<std::string> on_exit;

  bool operator==(const ProcessConfig&) const = default;
};

}  // namespace banyan::leaf
