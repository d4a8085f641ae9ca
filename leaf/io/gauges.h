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

namespace banyan::leaf {

// The numbers of /proc/PID/stat that count here.
struct StatNumbers {
  std::uint64_t cpu_ticks = 0;    // user and system, of its own
  std::uint64_t start_ticks = 0;  // since boot
  std::uint64_t rss_pages = 0;
};
// Pure; nothing when the text is not whole. The name in it may hold blanks and parentheses.
std::optional<StatNumbers> parse_stat_numbers(std::string_view text);

struct Gauges {
  double cpu = 0;  // CPUs, since the last sample of this target; at the first one since its start
  std::uint64_t rss_bytes = 0;
  unsigned open_fds = 0;  // of those that may be looked at
  unsigned processes = 0;
  Duration uptime{0};  // of the main process
};

class GaugeSampler {
 public:
  // `job.leader` is the living main process. Nothing when it is gone.
  std::optional<Gauges> sample(const std::string& target, const SubtreeJob& job, Time now);
  void forget(const std::string& target) { last_.erase(target); }

 private:
  using ProcessKey = std::pair<int, std::uint64_t>;  // pid, start
  struct Last {
    Time at{};
    std::map<ProcessKey, std::uint64_t> cpu_ticks;
  };
  std::map<std::string, Last> last_;
};

}  // namespace banyan::leaf
