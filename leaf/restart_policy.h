#pragma once
// When a target whose process ended is run again, as a pure function of its history.
//
// The first restart is immediate. Delay n = uniform(0, min(max, min * 2^(n-1))): full jitter, so
// that many targets which fail together do not come back together. The count begins anew after a
// run of 10 s, and when a person acts. `backoff` min 0 = always immediate. With `max_restarts` =
// "5/1m" the sixth restart within one minute is refused. Source of the jitter: Brooker,
// "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.

#include <cstddef>
#include <deque>

#include "common/base/random.h"
#include "common/base/time.h"
#include "leaf/target_config.h"

namespace banyan::leaf {

inline constexpr Duration steady_run = seconds{10};
inline constexpr Duration launch_retry_min = milliseconds{100};

// Exit by a signal is never a success.
bool is_success(const TargetConfig& config, int code, int signal);
bool wants_restart(const TargetConfig& config, int code, int signal);

// The longest delay before restart number `count` + 1 of a row; zero for the first.
Duration longest_delay(const Backoff& backoff, unsigned count);

class RestartHistory {  // at most max_restarts.count times are remembered
 public:
  struct Decision {
    bool allowed = false;  // false: max_restarts is reached
    Duration delay{0};
  };

  // A run of length `ran` ended and is to be followed by another one.
  Decision after_run(const TargetConfig& config, Time now, Duration ran, Random& random);
  // The system refused to launch for lack of something that may come back; never immediate.
  Decision after_refusal(const TargetConfig& config, Time now, Random& random);
  // A person acted: what was before does not count.
  void forget();

  unsigned count() const { return count_; }
  const std::deque<Time>& times() const { return times_; }  // oldest first
  // As an earlier one of the same target stood.
  void resume(unsigned count, std::deque<Time> times);

 private:
  bool admit(const Intensity& limit, Time now);

  unsigned count_ = 0;  // restarts in a row
  std::deque<Time> times_;
};

// How fast all targets of a leaf together are run again: as many at once as in one second, then one
// after the other, so that hundreds that fail together do not come back in lockstep. First starts
// and requests never wait for it.
class RestartPace {
 public:
  static constexpr unsigned default_rate = 50;

  explicit RestartPace(unsigned per_second = default_rate) : per_second_(per_second) {}  // 0: any

  // When the restart that is due at `now` may be; that place is taken.
  Time take(Time now);
  void set_rate(unsigned per_second) { per_second_ = per_second; }

 private:
  unsigned per_second_;
  Time full_at_{};  // when the places of the last second would all be taken again
};

}  // namespace banyan::leaf
