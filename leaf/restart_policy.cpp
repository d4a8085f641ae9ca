#include "leaf/restart_policy.h"

#include <algorithm>

namespace banyan::leaf {

bool is_success(const TargetConfig& config, int code, int signal) {
  const auto& codes = config.success_codes;
  return signal == 0 && std::find(codes.begin(), codes.end(), code) != codes.end();
}

bool wants_restart(const TargetConfig& config, int code, int signal) {
  switch (config.restart) {
    case RestartPolicy::always:
      return true;
    case RestartPolicy::on_failure:
      return !is_success(config, code, signal);
    case RestartPolicy::never:
      return false;
  }
  return false;
}

Duration longest_delay(const Backoff& backoff, unsigned count) {
  if (count == 0 || backoff.min <= Duration::zero()) return Duration::zero();
  Duration delay = backoff.min;
  for (unsigned n = 1; n < count && delay < backoff.max; ++n) {
    delay = delay > backoff.max / 2 ? backoff.max : delay * 2;
  }
  return std::min(delay, backoff.max);
}

RestartHistory::Decision RestartHistory::after_run(const TargetConfig& config, Time now,
                                                   Duration ran, Random& random) {
  if (ran >= steady_run) count_ = 0;
  if (!admit(config.max_restarts, now)) return {};
  return {true, random.upto(longest_delay(config.backoff, count_++))};
}

RestartHistory::Decision RestartHistory::after_refusal(const TargetConfig& config, Time now,
                                                       Random& random) {
  if (!admit(config.max_restarts, now)) return {};
  const auto delay = random.upto(longest_delay(config.backoff, ++count_));
  return {true, std::max(delay, launch_retry_min)};
}

void RestartHistory::forget() {
  count_ = 0;
  times_.clear();
}

void RestartHistory::resume(unsigned count, std::deque<Time> times) {
  count_ = count;
  times_ = std::move(times);
}

bool RestartHistory::admit(const Intensity& limit, Time now) {
  if (limit.count == 0) return true;
  while (!times_.empty() && now - times_.front() >= limit.period) times_.pop_front();
  if (times_.size() >= limit.count) return false;
  times_.push_back(now);
  return true;
}

Time RestartPace::take(Time now) {
  if (per_second_ == 0) return now;
  const Duration step = Duration{seconds{1}} / per_second_;
  full_at_ = std::max(full_at_, now) + step;
  return std::max(now, full_at_ - seconds{1});
}

}  // namespace banyan::leaf
