#pragma once
// What a target's processes use at this moment, summed over its whole subtree. Nothing is sampled
// unless somebody asks: a sample costs a walk over /proc (about 10 us per process of the host).
// Loop's thread.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/time.h"
#include "leaf/io/proc_files.h"
#include "leaf/io/subtree.h"
#include "leaf/leaf_event.h"

namespace banyan::leaf {

// The numbers of /proc/PID/stat that count here.
struct StatNumbers {
  std::uint64_t cpu_ticks = 0;    // user and system, of its own
  std::uint64_t start_ticks = 0;  // since boot
  std::uint64_t rss_pages = 0;
};
// Pure; nothing when the text is not whole. The name in it may hold blanks and parentheses.
std::optional<StatNumbers> parse_stat_numbers(std::string_view text);

struct UsageJob {
  std::string target;
  std::uint64_t generation = 0;
  SubtreeJob job;  // `leader` is the living main process
};

class GaugeSampler {
 public:
  // One look at /proc for all of them, in their order; those whose leader is gone are left out.
  // Open descriptors are counted only `with_fds`: that takes a folder per process.
  std::vector<TargetUsage> sample(const std::vector<UsageJob>& jobs, Time now, bool with_fds);
  void forget(const std::string& target) { last_.erase(target); }

 private:
  using ProcessKey = std::pair<int, std::uint64_t>;  // pid, start
  struct Last {
    std::uint64_t generation = 0;
    std::uint64_t total_ticks = 0;  // of all that were seen in this generation
    std::map<ProcessKey, std::uint64_t> cpu_ticks;
  };
  void add(const ProcessInfo& process, Last& next, TargetUsage& usage);

  std::map<std::string, Last> last_;
};

}  // namespace banyan::leaf
