#pragma once
// How fast a stream may be kept: a bucket of tokens, one per byte. Pure.
//
// It holds what may come in `burst`. Once it is empty nothing passes until it is full again: what
// is kept and what is dropped alternate in pieces of that length, not byte by byte.

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "common/base/time.h"

namespace banyan::leaf {

class LogRate {
 public:
  static constexpr std::chrono::seconds burst{5};

  // Bytes per second; 0 = no limit.
  void configure(std::uint64_t rate) {
    if (rate == rate_) return;
    rate_ = rate;
    tokens_ = capacity();
    dropping_ = false;
  }

  // How many of `wanted` bytes may be kept now; 0: drop them.
  std::uint64_t allowed(Time now, std::uint64_t wanted) {
    if (rate_ == 0) return wanted;
    refill(now);
    return dropping_ ? 0 : std::min(wanted, tokens_);
  }

  void used(std::uint64_t bytes) {
    if (rate_ == 0) return;
    tokens_ -= std::min(bytes, tokens_);
    if (tokens_ == 0) dropping_ = true;
  }

 private:
  std::uint64_t capacity() const { return rate_ * static_cast<std::uint64_t>(burst.count()); }

  void refill(Time now) {
    const auto passed = std::clamp<Duration>(now - counted_, Duration{0}, burst);
    const auto ms = std::chrono::duration_cast<milliseconds>(passed);
    const auto more = static_cast<std::uint64_t>(ms.count()) * rate_ / 1000;
    if (more == 0) return;
    counted_ = now;
    tokens_ = std::min(capacity(), tokens_ + more);
    if (tokens_ == capacity()) dropping_ = false;
  }

  std::uint64_t rate_ = 0;
  std::uint64_t tokens_ = 0;
  Time counted_{};
  bool dropping_ = false;
};

}  // namespace banyan::leaf
