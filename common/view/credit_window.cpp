#include "common/view/credit_window.h"

#include <algorithm>

namespace banyan::view {

void CreditWindow::opened(std::uint64_t credit, Time now) {
  window_ = first_;
  granted_ = credit;
  received_ = 0;
  marked_at_ = never;
  opened_at_ = now;
  fastest_ = Duration::max();
  limits_ = false;
}

void CreditWindow::received(std::uint64_t bytes, Time now) {
  if (received_ == 0) fastest_ = now - opened_at_;
  received_ += bytes;
  if (marked_at_ == never || received_ <= mark_) return;
  const Duration back = now - marked_at_;
  marked_at_ = never;
  fastest_ = std::min(fastest_, back);
  limits_ = back <= longest_return && back <= fastest_ + fastest_ / 2;
}

std::uint64_t CreditWindow::give(std::uint64_t bytes, bool keeps_up, Time now) {
  std::uint64_t more = 0;
  if (limits_ && keeps_up && window_ < widest_) {
    more = std::min(window_, widest_ - window_);
    window_ += more;
    limits_ = false;
  }
  if (marked_at_ == never &&
      more == 0) {  // a window that just grew is measured by what comes later
    mark_ = granted_;
    marked_at_ = now;
  }
  granted_ += bytes + more;
  return bytes + more;
}

}  // namespace banyan::view
