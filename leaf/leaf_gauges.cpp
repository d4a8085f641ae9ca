// The part of the leaf that counts: samples of what targets use, and how many of them there are.

#include <fmt/format.h>

#include "leaf/leaf.h"
#include "leaf/target_facts.h"

namespace banyan {

using tree::Turn;

void Leaf::handle(const leaf::UsageSampled& sampled, Now now, LeafEffects& effects) {
  Turn turn(now, effects.links);
  supervisor_.handle(sampled, now, supervised_);
  take_supervisor(turn, effects);
  gauges_.on_sampled(sampled, now.time);
  finish(turn, effects);
}

// Nothing is sampled but for somebody who asked, or for a limit.
void Leaf::send_gauges(Turn& turn, LeafEffects& effects) {
  if (gauges_.take_wish()) {
    leaf::SampleUsage sample{{}, true};
    for (const auto& status : supervisor_.statuses()) {
      if (status.pid != 0) sample.targets.push_back(status.name);
    }
    effects.samples.push_back(std::move(sample));
  }
  for (v1::GaugeAnswer& answer : gauges_.take_answers(uplink_.rtt())) {
    raise(std::move(answer), turn);
  }
}

void Leaf::scale(const leaf::TargetRequest& request, Turn& turn, LeafEffects& effects) {
  if (stopping_) return scaling_.refuse(request, "the leaf is shutting down");
  const auto change = groups_.scale(request.target, request.instances);
  if (!change) return scaling_.refuse(request, change.error().text());
  auto asks = scaling_.begin(request, *change);
  if (change->before != request.instances) {
    supervisor_.reconfigure(groups_.targets(), turn.now, supervised_);
    v1::Event event =
        leaf::scale_event({request.target, change->before, request.instances}, turn.now);
    turn.effects.log(tree::LogLevel::info,
                     fmt::format("event=scaled target={} {}", request.target, event.text()));
    tell_event(std::move(event), turn.now);
  }
  supervisor_.handle(std::move(asks), turn.now, supervised_);
  effects.wanted.push_back(KeepWanted{supervisor_.wanted(), groups_.scaled()});
}

}  // namespace banyan
