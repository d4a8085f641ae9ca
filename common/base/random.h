#pragma once
// A seeded random source (splitmix64): the same seed gives the same numbers on every machine, so
// that a simulated run can be replayed. Not for secrets.
// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.

#include <cstdint>

#include "common/base/time.h"

namespace banyan {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next();
  // Uniform in [0, bound); 0 when bound is 0.
  std::uint64_t below(std::uint64_t bound);
  // Uniform in [0, limit]; zero when limit is not positive.
  Duration upto(Duration limit);
  // True with the given probability.
  bool chance(double probability);

 private:
  std::uint64_t state_;
};

}  // namespace banyan
