#pragma once
// When the next update may go (rule 19 of the protocol): at once if nothing is in flight; else,
// while fewer than 8 frames and 256 KiB are in flight, when a whole frame is waiting or 25 ms have
// passed since the last one; else with the next acknowledgement. It coalesces by itself on fast
// links and costs at most 25 ms on slow ones. Acknowledgements are for flow only: correctness never
// depends on one.

#include <cstdint>
#include <deque>

#include "common/base/time.h"

namespace banyan::tree {

class UpdateWindow {
 public:
  static constexpr std::size_t max_frames = 8;
  static constexpr std::size_t max_bytes = 256 * 1024;
  static constexpr Duration gather = milliseconds{25};

  void reset();
  bool may_send(bool whole_frame_waits, Time now) const;
  // When may_send turns true by time alone; `never` while full or when nothing waits.
  Time next_deadline(bool something_waits) const;
  std::uint64_t sent(std::size_t bytes, Time now);  // returns the update's number
  void acknowledged(std::uint64_t number);          // cumulative; unknown numbers are ignored

 private:
  struct InFlight {
    std::uint64_t number;
    std::size_t bytes;
  };
  bool full() const { return in_flight_.size() >= max_frames || bytes_ >= max_bytes; }

  std::deque<InFlight> in_flight_;
  std::size_t bytes_ = 0;
  std::uint64_t last_number_ = 0;
  Time last_sent_{};
};

}  // namespace banyan::tree
