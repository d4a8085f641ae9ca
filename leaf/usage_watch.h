#pragma once
// `restart_on`: one running instance's memory and CPU, sampled only because it has such a limit.
//
//   off --begin--> watching --above a limit at every sample for `hold`--> over_limit; off by end()
//
// Memory: the sum over the subtree at each sample. CPU: the mean between two samples. One sample at
// or below the limit begins anew. Samples are asked for at multiples of the interval, so that
// several targets share one look at /proc.
// Owned and called by its TargetMachine; `config` outlives it. Pure.

#include <cstdint>
#include <string>

#include "common/base/time.h"
#include "leaf/leaf_event.h"
#include "leaf/target_checks.h"
#include "leaf/target_config.h"

namespace banyan::leaf {

// A third of `hold`, 100 ms to 5 s.
Duration sample_interval(const RestartOn& limits);

class UsageWatch {
 public:
  explicit UsageWatch(const TargetConfig& config) : config_(config) {}

  void begin(std::uint64_t generation, Time now);
  void end();
  // The limits changed: what was above the old ones does not count.
  void renew(Time now);

  // True when a sample is to be taken now.
  bool time_reached(Time now);
  CheckVerdict handle(const TargetUsage& usage, Time now);
  Time next_deadline() const { return sample_at_; }

 private:
  struct Above {
    Time since = never;  // never = it is not
    // How long it has been above without a break; negative when it is not.
    Duration note(bool above, Time from, Time now);
  };
  CheckVerdict judge_memory(const TargetUsage& usage, Time now);
  CheckVerdict judge_cpu(const TargetUsage& usage, Time now);
  Time next_sample(Time now) const;

  const TargetConfig& config_;
  bool on_ = false;
  std::uint64_t generation_ = 0;
  Time sample_at_ = never;
  Above memory_;
  Above cpu_;
  Time last_at_ = never;  // of last_used_; never = none
  Duration last_used_{0};
};

}  // namespace banyan::leaf
