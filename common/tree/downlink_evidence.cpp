// The part of Downlink that gathers evidence about a child that has fallen silent, and says it.

#include <fmt/format.h>

#include "common/base/text.h"
#include "common/tree/codec.h"
#include "common/tree/downlink.h"

namespace banyan::tree {
namespace {

constexpr std::size_t max_evidence = 8;

std::string in_milliseconds(Duration duration) {
  return fmt::format("{} ms", duration / milliseconds{1});
}

}  // namespace

// A frame that its kernel must acknowledge, whatever its process does; and a moment later a look at
// whether it has.
void Downlink::probe(Child& child, Turn& turn) {
  v1::Frame frame;
  frame.mutable_ping();
  send(child.name, std::move(frame), turn);
  child.examine_at = after(turn.now.time, std::min(child.interval, options_.timeout / 4));
  deadline_ = std::min(deadline_, child.examine_at);
}

void Downlink::examine_silent(Child& child, Turn& turn) {
  if (child.examine_at > turn.now.time) {
    deadline_ = std::min(deadline_, child.examine_at);
    return;
  }
  child.examine_at = never;
  const bool silent = child.in_session() && child.liveness.state() == Liveness::State::suspect;
  if (silent) turn.effects.add(ExamineChild{child.conn});
}

void Downlink::on_examined(const ChildExamined& event, Turn& turn) {
  Child* child = by_conn(event.conn);
  if (child == nullptr || !event.known) return;
  if (child->liveness.state() != Liveness::State::suspect) return;
  std::string text =
      "connection: its kernel acknowledges what is sent: the host is alive, the "
      "process stands still";
  if (event.unacked > 0) {
    text = fmt::format("connection: nothing acknowledged for {}: the host or the way to it is gone",
                       in_milliseconds(event.since_ack));
  }
  if (child->lateness > child->interval) {
    text += fmt::format(" (its last beat told of a loop that was {} late)",
                        in_milliseconds(child->lateness));
  }
  add_evidence(*child, text, turn);
  tell_link(*child, turn);
}

void Downlink::add_evidence(Child& child, const std::string& text, Turn& turn) {
  child.evidence.push_back(rfc3339(turn.now.wall) + " " + text);
  if (child.evidence.size() > max_evidence) child.evidence.pop_front();
}

}  // namespace banyan::tree
