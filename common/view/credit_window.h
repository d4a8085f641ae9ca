#pragma once
// How many bytes of one stream may be on their way to its reader: the window, which doubles when it
// is what limits the stream.
//
// That is known from the clock alone: the first byte which a credit made possible comes back after
// one round trip if the source had been waiting for it, and as fast as ever if the way there is not
// filled. A window that fills a slow link takes longer to come back, and does not grow: what lies
// before a beat on the same link stays short. Nor does it grow for a reader that does not keep up.
// Pure; times are the reader's own.

#include <cstdint>

#include "common/base/time.h"

namespace banyan::view {

class CreditWindow {
 public:
  static constexpr Duration longest_return = seconds{1};  // of a window that may still grow

  CreditWindow(std::uint64_t window, std::uint64_t widest) : first_(window), widest_(widest) {}

  // A new stream begins, with this credit; what was learnt of the last one is void.
  void opened(std::uint64_t credit, Time now);
  void received(std::uint64_t bytes, Time now);
  // So many bytes are done with: the credit to give for them, more when the window grows.
  std::uint64_t give(std::uint64_t bytes, bool keeps_up, Time now);

  std::uint64_t window() const { return window_; }

 private:
  std::uint64_t first_;
  std::uint64_t widest_;
  std::uint64_t window_ = 0;
  std::uint64_t granted_ = 0;   // in this stream
  std::uint64_t received_ = 0;  // too
  std::uint64_t mark_ = 0;  // granted before marked_at_: what comes beyond it was asked for then
  Time marked_at_ = never;  // never: no mark
  Time opened_at_{};
  Duration fastest_{Duration::max()};
  bool limits_ = false;
};

}  // namespace banyan::view
