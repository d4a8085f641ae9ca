#include "common/view/rollout.h"

#include <algorithm>

namespace banyan::view {

bool Rollout::is_over(const See& see, Time now) {
  const auto any = [&](Seen what) {
    return std::any_of(batch_.begin(), batch_.end(), [&](auto each) { return see(each) == what; });
  };
  if (any(Seen::waiting)) return false;
  if (ready_by_ == never) ready_by_ = after(now, patience_);
  if (any(Seen::not_ready)) {
    ready_since_ = never;
    return now >= ready_by_;
  }
  if (!any(Seen::ready)) return true;
  if (ready_since_ == never) ready_since_ = now;
  return now >= ready_since_ + settled;
}

Rollout::Step Rollout::step(const See& see, Time now) {
  if (batch_.empty()) return next();
  if (!is_over(see, now)) return {};
  std::vector<std::size_t> unready;
  for (const std::size_t target : batch_) {
    const Seen seen = see(target);
    if (seen != Seen::ready) ++failures_;
    if (seen == Seen::not_ready) unready.push_back(target);
  }
  Step step = next();
  step.unready = std::move(unready);
  return step;
}

Rollout::Step Rollout::next() {
  Step step;
  batch_.clear();
  ready_by_ = ready_since_ = never;
  step.stop = limits_.stop_after > 0 && failures_ >= limits_.stop_after;
  while (!step.stop && !left_.empty() && batch_.size() < limits_.max_parallel) {
    batch_.push_back(left_.front());
    left_.pop_front();
  }
  step.begin = batch_;
  return step;
}

Time Rollout::next_deadline() const {
  if (ready_since_ != never) return after(ready_since_, settled);
  return ready_by_;
}

bool Rollout::is_begun(std::size_t target) const {
  return std::find(batch_.begin(), batch_.end(), target) != batch_.end();
}

std::vector<std::size_t> Rollout::take_left() {
  std::vector<std::size_t> left(left_.begin(), left_.end());
  left_.clear();
  return left;
}

}  // namespace banyan::view
