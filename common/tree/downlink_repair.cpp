// The part of Downlink that compares a child's picture with what it told, and repairs it.

#include <utility>

#include "common/tree/downlink.h"
#include "common/tree/node_digests.h"

namespace banyan::tree {
namespace {

constexpr unsigned max_failed_repairs = 3;

}  // namespace

// True when its state changed. Its facts are known now: what happened may follow.
bool Downlink::verify(Child& child, Turn& turn) {
  if (!child.liveness.verified()) credit(child, event_window, turn);
  return child.liveness.on_verified(turn.now.time);
}

void Downlink::credit(Child& child, std::size_t bytes, Turn& turn) {
  if (!child.event_credit) return;
  v1::Frame frame;
  frame.mutable_event_credit()->set_bytes(static_cast<std::uint32_t>(bytes));
  send(child.name, std::move(frame), turn);
}

// In pieces, so that a rare event does not cost a frame down for each.
void Downlink::hand_on(const EventSource& source, Turn& turn) {
  const auto it = children_.find(source.child);
  if (it == children_.end() || it->second.session != source.session) return;
  Child& child = it->second;
  child.event_owed += source.bytes;
  if (child.event_owed >= event_window / 4) credit(child, std::exchange(child.event_owed, 0), turn);
}

// While something is on its way by agreement, a difference says nothing: the next digest judges.
void Downlink::compare(Child& child, const v1::Digest& told, Turn& turn) {
  if (child.transferring || child.asked || child.repair.running()) return;
  if (mirror_.digest(child.name) == digest_of(told)) {
    child.failed_repairs = 0;
    if (verify(child, turn)) show(child, turn);
    return;
  }
  if (child.failed_repairs < max_failed_repairs) {
    ++child.failed_repairs;
    begin_repair(child, turn);
  } else if (child.failed_repairs == max_failed_repairs) {  // once in a session
    ++child.failed_repairs;
    ask_for_all(child, turn);
  }
}

void Downlink::begin_repair(Child& child, Turn& turn) {
  ++(child.liveness.verified() ? counters_.repairs : counters_.first_repairs);
  child.repair.begin();
  ask(child, turn);
}

void Downlink::ask(Child& child, Turn& turn) {
  for (v1::Question& question : child.repair.ask()) {
    ++counters_.questions;
    v1::Frame frame;
    *frame.mutable_question() = std::move(question);
    send(child.name, std::move(frame), turn);
  }
}

Status Downlink::on_answer(Child& child, const v1::Answer& answer, Turn& turn) {
  const Repair::Subject subject{mirror_, child.name, child.role == "leaf"};
  if (auto ok = child.repair.on_answer(answer, subject, turn.changes); !ok) return ok;
  ask(child, turn);
  if (!answer.more()) compare(child, answer.told(), turn);
  return {};
}

void Downlink::ask_for_all(Child& child, Turn& turn) {
  const std::string text = "the picture of " + child.name + " differs after " +
                           std::to_string(max_failed_repairs) + " repairs: it is told anew";
  turn.effects.log(LogLevel::error, "child=" + child.name + " digest_divergence: " + text);
  turn.from_children.emplace_back(std::in_place_type<OwnEvent>,
                                  OwnEvent{"digest_divergence", child.name, text, "{}"});
  ++counters_.transfers_asked;
  child.asked = true;
  v1::Frame frame;
  set_digest(*frame.mutable_transfer_ask()->mutable_held(), mirror_.digest(child.name));
  send(child.name, std::move(frame), turn);
}

}  // namespace banyan::tree
