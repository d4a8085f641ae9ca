#include "leaf/usage_watch.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/base/units.h"

namespace banyan::leaf {
namespace {

constexpr Duration interval_min = milliseconds{100};
constexpr Duration interval_max = seconds{5};

double seconds_of(Duration time) { return std::chrono::duration<double>(time).count(); }

std::string for_text(Duration hold) {
  return hold > Duration::zero() ? " for " + exact_duration(hold) : "";
}

}  // namespace

Duration sample_interval(const RestartOn& limits) {
  return std::clamp<Duration>(limits.hold / 3, interval_min, interval_max);
}

Duration UsageWatch::Above::note(bool above, Time from, Time now) {
  if (!above) {
    since = never;
    return Duration{-1};
  }
  if (since == never) since = from;
  return now - since;
}

Time UsageWatch::next_sample(Time now) const {
  const Duration every = sample_interval(config_.restart_on);
  return Time{(now.time_since_epoch() / every + 1) * every};
}

void UsageWatch::begin(std::uint64_t generation, Time now) {
  end();
  on_ = true;
  generation_ = generation;
  renew(now);
}

void UsageWatch::renew(Time now) {
  if (!on_) return;
  memory_ = {};
  cpu_ = {};
  last_at_ = never;
  sample_at_ = config_.restart_on.any() ? next_sample(now) : never;
}

void UsageWatch::end() {
  on_ = false;
  sample_at_ = never;
  memory_ = {};
  cpu_ = {};
  last_at_ = never;
}

bool UsageWatch::time_reached(Time now) {
  if (now < sample_at_) return false;
  sample_at_ = next_sample(now);
  return true;
}

CheckVerdict UsageWatch::handle(const TargetUsage& usage, Time now) {
  if (!on_ || usage.generation != generation_ || !config_.restart_on.any()) return {};
  auto verdict = judge_memory(usage, now);
  if (verdict.kind == CheckVerdict::Kind::none) verdict = judge_cpu(usage, now);
  last_at_ = now;
  last_used_ = usage.cpu_used;
  return verdict;
}

CheckVerdict UsageWatch::judge_memory(const TargetUsage& usage, Time now) {
  const auto& limits = config_.restart_on;
  const bool above = limits.memory > 0 && usage.rss_bytes > limits.memory;
  if (memory_.note(above, now, now) < limits.hold) return {};
  CheckVerdict verdict;
  verdict.kind = CheckVerdict::Kind::over_limit;
  verdict.reason = fmt::format("memory {} above {}{}", format_size(usage.rss_bytes),
                               format_size(limits.memory), for_text(limits.hold));
  verdict.data =
      fmt::format(R"("limit":"memory","rss_bytes":{},"limit_bytes":{},"for_ms":{},"processes":{})",
                  usage.rss_bytes, limits.memory, limits.hold / milliseconds{1}, usage.processes);
  return verdict;
}

CheckVerdict UsageWatch::judge_cpu(const TargetUsage& usage, Time now) {
  const auto& limits = config_.restart_on;
  if (limits.cpu <= 0 || last_at_ == never || now <= last_at_) return {};
  const double cpu = seconds_of(usage.cpu_used - last_used_) / seconds_of(now - last_at_);
  if (cpu_.note(cpu > limits.cpu, last_at_, now) < limits.hold) return {};
  CheckVerdict verdict;
  verdict.kind = CheckVerdict::Kind::over_limit;
  verdict.reason = fmt::format("cpu {:.2f} above {:.2f}{}", cpu, limits.cpu, for_text(limits.hold));
  verdict.data = fmt::format(R"("limit":"cpu","cpu":{:.3f},"limit_cpu":{:.3f},"for_ms":{})", cpu,
                             limits.cpu, limits.hold / milliseconds{1});
  return verdict;
}

}  // namespace banyan::leaf
