#pragma once
// A command that is carried out in batches: the next one begins when every target of the last has
// its outcome and is ready again, for a second without a break.
//
//   batch --all have outcomes--> getting ready --all ready for `settled`, or `patience` is over-->
//   next batch, or stop
//
// A target fails when its outcome is not `done`, or when it is not ready in time. After as many
// failures as allowed nothing more is begun. Pure; the order is that of add().

#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "common/base/time.h"

namespace banyan::view {

struct RolloutLimits {
  std::uint32_t max_parallel = 0;  // 0 = no rollout: everything at once
  std::uint32_t stop_after = 0;    // failures; 0 = never
};

class Rollout {
 public:
  static constexpr Duration settled = seconds{1};

  enum class Seen { waiting, failed, not_ready, ready };  // of a target of the batch
  using See = std::function<Seen(std::size_t target)>;
  struct Step {
    std::vector<std::size_t> begin;    // the next batch
    std::vector<std::size_t> unready;  // of the last one, when its time was over
    bool stop = false;                 // what is left is not to be begun
  };

  Rollout(RolloutLimits limits, Duration patience) : limits_(limits), patience_(patience) {}

  void add(std::size_t target) { left_.push_back(target); }
  Step step(const See& see, Time now);
  // When step() is to be asked again, whatever is seen; outcomes have a deadline of their own.
  Time next_deadline() const;

  const RolloutLimits& limits() const { return limits_; }
  const std::vector<std::size_t>& batch() const { return batch_; }
  bool is_begun(std::size_t target) const;  // and of the present batch
  std::uint32_t failures() const { return failures_; }
  std::vector<std::size_t> take_left();

 private:
  bool is_over(const See& see, Time now);
  Step next();

  RolloutLimits limits_;
  Duration patience_;
  std::deque<std::size_t> left_;
  std::vector<std::size_t> batch_;
  std::uint32_t failures_ = 0;
  Time ready_by_ = never;  // never: outcomes are missing
  Time ready_since_ = never;
};

}  // namespace banyan::view
