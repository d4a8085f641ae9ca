#include "common/tree/event_spool.h"

#include <algorithm>

#include "common/base/check.h"
#include "common/base/text.h"
#include "common/tree/codec.h"

namespace banyan::tree {
namespace {

constexpr std::size_t max_cut_text = 1000;

bool room(const v1::EventBatch& batch, std::size_t bytes) {
  return bytes < EventSpool::batch_bytes && batch.events_size() < max_events_per_batch;
}

}  // namespace

EventSpool::EventSpool(std::string instance, v1::Boot boot)
    : instance_(std::move(instance)), boot_(std::move(boot)) {}

void EventSpool::resume(const v1::HeldEvents& held) {
  CHECK(last_ == 0);
  const auto count = static_cast<std::uint64_t>(held.events_size());
  if (held.last() < count || held.acked() > held.last()) return;  // not ours to repair
  boot_ = held.boot();
  last_ = held.last() - count;
  for (const v1::Event& event : held.events()) add(event);
  acked_ = held.acked();
  dropped_ += held.dropped();
  sent_ = std::max(acked_, oldest() - 1);
}

v1::HeldEvents EventSpool::held() const {
  v1::HeldEvents held;
  *held.mutable_boot() = boot_;
  held.set_last(last_);
  held.set_acked(acked_);
  held.set_dropped(dropped_);
  for (const Held& each : held_) *held.add_events() = each.event;
  return held;
}

void EventSpool::cut(v1::Event& event) {
  if (event.ByteSizeLong() <= max_event_bytes) return;
  event.set_text(visible(event.text().substr(0, max_cut_text)) + " [cut]");
  event.set_data("{}");
}

void EventSpool::add(v1::Event event) {
  cut(event);
  const std::size_t bytes = event.ByteSizeLong() + 8;
  held_.push_back({std::move(event), bytes});
  bytes_ += bytes;
  ++last_;
  while (bytes_ > max_bytes || held_.size() > max_events) {
    bytes_ -= held_.front().bytes;
    held_.pop_front();
    ++dropped_;
  }
  sent_ = std::max(sent_, oldest() - 1);
}

void EventSpool::on_ack(const v1::EventAck& ack) {
  const bool mine = ack.instance() == instance_ && ack.boot().random() == boot_.random() &&
                    ack.boot().start_ms() == boot_.start_ms();
  if (!mine || ack.upto() > last_) return;
  acked_ = std::max(acked_, ack.upto());
  while (!held_.empty() && oldest() <= acked_) {
    bytes_ -= held_.front().bytes;
    held_.pop_front();
  }
  sent_ = ack.nack() ? acked_ : std::max(sent_, acked_);
}

void EventSpool::watch(Time now) {
  if (sent_ <= acked_) {  // nothing is on its way
    again_at_ = never;
    patience_ = first_patience;
  } else if (again_at_ == never || watched_ != acked_) {
    patience_ = first_patience;
    again_at_ = now + patience_;
  } else if (now >= again_at_) {
    rewind();
    patience_ = std::min(2 * patience_, last_patience);
    again_at_ = now + patience_;
  }
  watched_ = acked_;
}

std::optional<v1::EventBatch> EventSpool::take() {
  const std::uint64_t first = std::max(sent_ + 1, oldest());
  if (first > last_) return std::nullopt;
  std::size_t unacked = 0;
  for (std::uint64_t number = std::max(acked_ + 1, oldest()); number < first; ++number) {
    unacked += held_[number - oldest()].bytes;
  }
  if (unacked >= window_bytes) return std::nullopt;
  v1::EventBatch batch;
  batch.set_instance(instance_);
  *batch.mutable_boot() = boot_;
  batch.set_first(first);
  batch.set_oldest(oldest());
  batch.set_acked(acked_);
  std::size_t bytes = 0;
  for (std::uint64_t number = first; room(batch, bytes) && number <= last_; ++number) {
    const Held& held = held_[number - oldest()];
    *batch.add_events() = held.event;
    bytes += held.bytes;
    sent_ = number;
  }
  return batch;
}

}  // namespace banyan::tree
