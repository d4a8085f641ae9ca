#include "common/tree/update_window.h"

namespace banyan::tree {

void UpdateWindow::reset() { *this = UpdateWindow{}; }

bool UpdateWindow::may_send(bool whole_frame_waits, Time now) const {
  if (in_flight_.empty()) return true;
  if (full()) return false;
  return whole_frame_waits || now >= last_sent_ + gather;
}

Time UpdateWindow::next_deadline(bool something_waits) const {
  if (!something_waits || full()) return never;
  return in_flight_.empty() ? Time{} : last_sent_ + gather;
}

std::uint64_t UpdateWindow::sent(std::size_t bytes, Time now) {
  in_flight_.push_back({++last_number_, bytes});
  bytes_ += bytes;
  last_sent_ = now;
  return last_number_;
}

void UpdateWindow::acknowledged(std::uint64_t number) {
  while (!in_flight_.empty() && in_flight_.front().number <= number) {
    bytes_ -= in_flight_.front().bytes;
    in_flight_.pop_front();
  }
}

}  // namespace banyan::tree
