#include "common/base/random.h"

namespace banyan {

std::uint64_t Random::next() {
  state_ += 0x9e3779b97f4a7c15ULL;
  std::uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

std::uint64_t Random::below(std::uint64_t bound) {
  if (bound == 0) return 0;
  return next() % bound;  // the bias is below bound / 2^64
}

Duration Random::upto(Duration limit) {
  if (limit.count() <= 0) return Duration{0};
  return Duration{static_cast<Duration::rep>(below(static_cast<std::uint64_t>(limit.count()) + 1))};
}

bool Random::chance(double probability) {
  return static_cast<double>(next() >> 11) * 0x1.0p-53 < probability;
}

}  // namespace banyan
