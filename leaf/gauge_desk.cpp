#include "leaf/gauge_desk.h"

#include <algorithm>

namespace banyan::leaf {
namespace {

double seconds_of(Duration time) { return std::chrono::duration<double>(time).count(); }

void name_missing(v1::GaugeAnswer& answer, const std::string& path, const std::string& reason) {
  v1::GaugeGap& gap = *answer.add_missing();
  gap.set_path(path);
  gap.set_reason(reason);
}

}  // namespace

void GaugeDesk::on_ask(const v1::GaugeAsk& ask, Time now) {
  if (asks_.size() >= max_asks) {
    v1::GaugeAnswer answer;
    answer.set_ask(ask.ask());
    for (const std::string& path : ask.paths()) {
      name_missing(answer, path, "too many questions wait at this leaf");
    }
    refused_.push_back(std::move(answer));
    return;
  }
  if (last_at_ != never && now - last_at_ < fresh) {
    answered_.push_back(ask);
    return;
  }
  asks_.push_back(ask);
  if (second_at_ == never) sample();
}

void GaugeDesk::sample() {
  if (std::exchange(sampling_, true)) return;
  wish_ = true;
}

void GaugeDesk::on_session_gone() {
  std::erase_if(asks_, [](const v1::GaugeAsk& ask) {
    return (ask.ask() & tree::GaugeTable::local_ask) == 0;
  });
}

void GaugeDesk::on_time(Time now) {
  if (now < second_at_) return;
  second_at_ = never;
  if (!asks_.empty()) sample();
}

void GaugeDesk::on_sampled(const UsageSampled& sampled, Time now) {
  if (!sampled.everything || !sampling_) return;  // for somebody else
  sampling_ = false;
  const bool rates = base_at_ != never && now - base_at_ <= window_max;
  if (rates || sampled.targets.empty()) settle(sampled, now);
  base_at_ = now;
  base_.clear();
  for (const TargetUsage& usage : sampled.targets) {
    base_[usage.target] = {usage.generation, usage.cpu_used};
  }
  if (!asks_.empty()) second_at_ = after(now, window_min);
}

void GaugeDesk::settle(const UsageSampled& sampled, Time now) {
  targets_.clear();
  for (const TargetUsage& usage : sampled.targets) targets_.push_back(gauges_of(usage, now));
  last_ = sampled.host;
  last_at_ = now;
  std::move(asks_.begin(), asks_.end(), std::back_inserter(answered_));
  asks_.clear();
}

// A run that began since the last sample: over all its time.
v1::TargetGauges GaugeDesk::gauges_of(const TargetUsage& usage, Time now) const {
  const auto base = base_.find(usage.target);
  const bool known = base != base_.end() && base->second.generation == usage.generation &&
                     base->second.cpu_used <= usage.cpu_used;
  const Duration span = known ? now - base_at_ : usage.uptime;
  const Duration used = known ? usage.cpu_used - base->second.cpu_used : usage.cpu_used;
  v1::TargetGauges gauges;
  gauges.set_name(usage.target);
  gauges.set_generation(usage.generation);
  if (span > Duration::zero()) gauges.set_cpu(seconds_of(used) / seconds_of(span));
  gauges.set_rss_bytes(usage.rss_bytes);
  gauges.set_open_fds(usage.open_fds);
  gauges.set_processes(usage.processes);
  gauges.set_uptime_ms(usage.uptime / milliseconds{1});
  return gauges;
}

v1::GaugeAnswer GaugeDesk::answer_to(const v1::GaugeAsk& ask, Duration rtt) const {
  v1::GaugeAnswer answer;
  answer.set_ask(ask.ask());
  for (const std::string& path : ask.paths()) {
    if (!path.empty()) {
      name_missing(answer, path, "there is nothing below a leaf");
      continue;
    }
    v1::NodeGauges& node = *answer.add_nodes();
    node = tree::node_gauges(last_, rtt);
    if (!ask.targets()) continue;
    for (const v1::TargetGauges& target : targets_) *node.add_targets() = target;
  }
  return answer;
}

std::vector<v1::GaugeAnswer> GaugeDesk::take_answers(Duration rtt) {
  auto frames = std::exchange(refused_, {});
  for (const v1::GaugeAsk& ask : std::exchange(answered_, {})) {
    for (auto& frame : tree::split_gauge_answer(answer_to(ask, rtt))) {
      frames.push_back(std::move(frame));
    }
  }
  return frames;
}

}  // namespace banyan::leaf
