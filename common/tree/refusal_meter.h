#pragma once
// How many refusals are told: `burst` at once, then one every `pace`; what was not told is counted
// in the next one. Whoever floods a node with what it refuses must not fill its events with it.
// Pure.

#include <cstdint>
#include <string>

#include "common/base/time.h"

namespace banyan::tree {

class RefusalMeter {
 public:
  static constexpr unsigned burst = 20;
  static constexpr Duration pace = seconds{3};

  // False: not to be told. `more` is what to add to the text.
  bool may_tell(Time now, std::string& more) {
    const auto earned = static_cast<std::uint64_t>((now - counted_) / pace);
    if (earned > 0) {
      left_ = left_ + earned < burst ? left_ + static_cast<unsigned>(earned) : burst;
      counted_ = now;
    }
    if (left_ == 0) {
      ++untold_;
      return false;
    }
    --left_;
    if (untold_ > 0) more = " (" + std::to_string(untold_) + " more refusals were not told)";
    untold_ = 0;
    return true;
  }

 private:
  unsigned left_ = burst;
  Time counted_{};
  std::uint64_t untold_ = 0;
};

}  // namespace banyan::tree
