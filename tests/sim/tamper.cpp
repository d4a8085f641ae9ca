#include "tests/sim/tamper.h"

#include "common/tree/codec.h"
#include "tests/sim/frame_tap.h"

namespace banyan::sim {

bool Tamper::add(const std::string& what) {
  static const std::set<std::string> known{"renumber",       "present-digest", "zero-heard",
                                           "one-boot",       "no-oldest",      "no-instance",
                                           "doubt-is-final", "corrupt",        "twice"};
  if (what.starts_with("strip:")) {
    const int kind = kind_named(what.substr(6));
    if (kind == 0) return false;
    stripped_.insert(kind);
  } else if (!known.contains(what)) {
    return false;
  }
  all_.insert(what);
  if (what == "corrupt") corrupted_ = false;
  return true;
}

bool Tamper::pass(TamperedLink& link, bool up, std::string& bytes) {
  auto frame = tree::decode(bytes);
  if (!frame) return true;
  if (stripped_.contains(frame->kind_case())) {
    ++link.vanished[{frame->session(), up}];
    return false;
  }
  alter(link, up, *frame);
  bytes = tree::encode(*frame);
  return true;
}

void Tamper::alter(TamperedLink& link, bool up, v1::Frame& frame) {
  if (frame.has_hello()) {
    link.instance = frame.hello().instance();
    link.boot = frame.hello().boot();
  }
  if (is("present-digest") && (frame.has_beat() || frame.has_update())) {
    const Digest present = present_(link.child);
    v1::Digest& told = frame.has_beat() ? *frame.mutable_beat()->mutable_digest()
                                        : *frame.mutable_update()->mutable_digest();
    told.set_high(present.high);
    told.set_low(present.low);
  }
  if (frame.has_request()) {
    if (is("zero-heard")) frame.mutable_request()->set_heard(0);
    if (is("no-instance")) {
      for (auto& target : *frame.mutable_request()->mutable_targets()) target.clear_instance();
    }
    if (is("twice")) {
      const v1::Request once = frame.request();
      for (const auto& target : once.targets()) *frame.mutable_request()->add_targets() = target;
    }
  }
  if (is("doubt-is-final") && frame.has_outcomes()) {
    for (auto& outcome : *frame.mutable_outcomes()->mutable_outcomes()) {
      const bool doubt = outcome.kind() == v1::OUTCOME_KIND_IN_DOUBT;
      if (doubt) outcome.set_kind(v1::OUTCOME_KIND_UNREACHABLE);
    }
  }
  alter_events(link, up, frame);
  if (is("corrupt")) corrupt(frame);
}

void Tamper::alter_events(TamperedLink& link, bool up, v1::Frame& frame) {
  if (up && frame.has_event_batch()) {
    v1::EventBatch& batch = *frame.mutable_event_batch();
    if (is("no-oldest")) batch.set_oldest(batch.first());
    if (is("one-boot")) {
      batch.mutable_boot()->set_start_ms(1);
      batch.mutable_boot()->set_random(1);
    }
  }
  if (!up && frame.has_event_ack() && is("one-boot")) {
    v1::EventAck& ack = *frame.mutable_event_ack();
    if (ack.instance() == link.instance) *ack.mutable_boot() = link.boot;
  }
}

void Tamper::corrupt(v1::Frame& frame) {
  if (corrupted_ || !frame.has_update()) return;
  for (auto& node : *frame.mutable_update()->mutable_nodes()) {
    for (auto& fact : *node.mutable_facts()) {
      v1::TargetFact target;
      if (fact.kind() != v1::FACT_KIND_TARGET || !target.ParseFromString(fact.value())) continue;
      target.set_error("altered on the way");
      fact.set_value(target.SerializeAsString());
      corrupted_ = true;
      return;
    }
  }
}

void Tamper::on_the_way(TamperedLink& link, bool up, std::string& bytes) {
  if (!is("renumber") && stripped_.empty()) return;
  auto frame = tree::decode(bytes);
  if (!frame || frame->session() == 0) return;
  const std::pair<std::uint64_t, bool> way{frame->session(), up};
  frame->set_sequence(is("renumber") ? ++link.sequences[way]
                                     : frame->sequence() - link.vanished[way]);
  bytes = tree::encode(*frame);
}

}  // namespace banyan::sim
