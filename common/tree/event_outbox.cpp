#include "common/tree/event_outbox.h"

#include <algorithm>
#include <iterator>

namespace banyan::tree {

void SpoolEffects::add(SpoolEffects more) {
  std::move(more.added.begin(), more.added.end(), std::back_inserter(added));
  std::move(more.acked.begin(), more.acked.end(), std::back_inserter(acked));
  std::move(more.drained.begin(), more.drained.end(), std::back_inserter(drained));
}

EventOutbox::EventOutbox(std::string instance, const v1::Boot& boot)
    : instance_(std::move(instance)), present_(instance_, boot) {}

void EventOutbox::inherit(const std::vector<v1::HeldEvents>& earlier) {
  for (const v1::HeldEvents& held : earlier) {
    earlier_.push_back({held.boot(), EventSpool(instance_, held.boot())});
    earlier_.back().spool.resume(held);
  }
  drop_drained();
}

void EventOutbox::add(v1::Event event) {
  EventSpool::cut(event);
  effects_.added.push_back(event);
  present_.add(std::move(event));
}

void EventOutbox::on_ack(const v1::EventAck& ack) {
  const auto before = present_.acked();
  present_.on_ack(ack);
  bool progress = present_.acked() != before;
  for (auto& [boot, spool] : earlier_) {
    const auto stood = spool.acked();
    v1::EventAck known = ack;  // the root may have more than a power cut has left
    known.set_upto(std::min(ack.upto(), spool.last()));
    spool.on_ack(known);
    progress = progress || spool.acked() != stood;
  }
  if (progress) effects_.acked.push_back(ack);
  drop_drained();
}

void EventOutbox::drop_drained() {
  while (!earlier_.empty() && !earlier_.front().spool.holds()) {
    effects_.drained.push_back(earlier_.front().boot);
    earlier_.pop_front();
  }
}

void EventOutbox::rewind() {
  for (auto& each : earlier_) each.spool.rewind();
  present_.rewind();
}

void EventOutbox::watch(Time now) {
  for (auto& each : earlier_) each.spool.watch(now);
  present_.watch(now);
}

Time EventOutbox::next_deadline() const {
  Time next = present_.next_deadline();
  for (const auto& each : earlier_) next = std::min(next, each.spool.next_deadline());
  return next;
}

std::optional<v1::EventBatch> EventOutbox::take() {
  return earlier_.empty() ? present_.take() : earlier_.front().spool.take();
}

}  // namespace banyan::tree
