// The part of Downlink that reads what a child says within its session.

#include <algorithm>

#include "common/base/name.h"
#include "common/base/text.h"
#include "common/tree/codec.h"
#include "common/tree/downlink.h"

namespace banyan::tree {
namespace {

constexpr std::size_t max_reason = 200;

Status check_speaker(const Child& child, const std::string& path) {
  if (child.role == "leaf" && !path.empty()) return failure("a leaf speaks of other nodes", path);
  if (!is_path(path)) return failure("not a path", path);
  return {};
}

Status check_paths(const Child& child, const v1::Frame& frame) {
  if (frame.has_event_batch()) {
    if (frame.event_batch().instance().size() != 32) return failure("events without an instance");
    return check_speaker(child, frame.event_batch().path());
  }
  for (const v1::Outcome& outcome : frame.outcomes().outcomes()) {
    if (auto status = check_speaker(child, outcome.path()); !status) return status;
  }
  for (const v1::NodeGauges& node : frame.gauge_answer().nodes()) {
    if (auto status = check_speaker(child, node.path()); !status) return status;
  }
  return {};
}

FactKey key_below(const Child& child, const v1::NodeFacts& node, const v1::Fact& fact) {
  return {join_path(child.name, node.path()), fact.kind(), fact.id()};
}

}  // namespace

void Downlink::on_session_frame(Child& child, v1::Frame& frame, Turn& turn) {
  switch (frame.kind_case()) {
    case v1::Frame::kGoodbye: {
      const std::string reason = visible(frame.goodbye().reason().substr(0, max_reason));
      if (child.liveness.on_goodbye(reason)) show(child, turn);
      return end_session(child, "goodbye: " + reason, turn);
    }
    case v1::Frame::kBeat: {
      child.last_beat = frame.beat().number();
      child.lateness = milliseconds{frame.beat().own().lateness_ms()};
      v1::Frame answer;
      answer.mutable_beat_ack()->set_number(frame.beat().number());
      send(child.name, std::move(answer), turn);
      return compare(child, frame.beat().digest(), turn);
    }
    case v1::Frame::kUpdate:
      return on_update(child, frame.update(), turn);
    case v1::Frame::kPong:
      if (frame.pong().number() == 0) return;  // of a probe: it was heard
      return pass_on(child, frame, turn);
    case v1::Frame::kAnswer:
      if (auto ok = on_answer(child, frame.answer(), turn); !ok) {
        return protocol_error(child, ok.error().text(), turn);
      }
      return;
    default:
      if (auto status = check_paths(child, frame); !status) {
        return protocol_error(child, status.error().text(), turn);
      }
      return pass_on(child, frame, turn);
  }
}

void Downlink::on_update(Child& child, const v1::Update& update, Turn& turn) {
  if (auto status = apply(child, update, turn); !status) {
    return protocol_error(child, status.error().text(), turn);
  }
  v1::Frame answer;
  answer.mutable_update_ack()->set_number(update.number());
  send(child.name, std::move(answer), turn);
  compare(child, update.digest(), turn);
}

// Whoever is bound to a name by its key cannot speak for what stands elsewhere in the tree. An
// instance that is not known yet passes: its facts may be on their way.
Status Downlink::check_origin(const Child& child, const v1::EventBatch& batch) const {
  if (child.key == nullptr) return {};
  const auto places = mirror_.places_of(batch.instance());
  const auto is_below = [&](const Mirror::Node* place) {
    const std::string path = place->path();
    return path == child.name || path.starts_with(child.name + "/");
  };
  if (places.empty() || std::any_of(places.begin(), places.end(), is_below)) return {};
  return failure("events of another's run: that instance stands at " + places.front()->path());
}

Status Downlink::prune(Child& child, const std::string& path, Turn& turn) {
  if (path.empty()) return failure("a child prunes itself");
  if (auto status = check_speaker(child, path); !status) return status;
  const std::string whole = join_path(child.name, path);
  std::erase_if(child.stale, [&whole](const FactKey& key) {
    return key.path == whole || key.path.starts_with(whole + "/");
  });
  mirror_.remove_subtree(whole, turn.changes);
  return {};
}

// Prunes, then removals and sets in the order told; what a transfer did not tell again goes at its
// end.
Status Downlink::apply(Child& child, const v1::Update& update, Turn& turn) {
  if (update.transfer_begin()) {
    const auto keys = mirror_.keys_below(child.name);
    child.stale = std::set<FactKey>(keys.begin(), keys.end());
    child.transferring = true;
    child.asked = false;
  }
  for (const std::string& path : update.prunes()) {
    if (auto ok = prune(child, path, turn); !ok) return ok;
  }
  for (const v1::NodeFacts& node : update.nodes()) {
    if (auto status = check_speaker(child, node.path()); !status) return status;
    for (const v1::Fact& fact : node.facts()) {
      if (child.role == "leaf" && fact.kind() == v1::FACT_KIND_LINK) {
        return failure("a leaf speaks of children", fact.id());
      }
      const FactKey key = key_below(child, node, fact);
      child.stale.erase(key);
      if (fact.removed()) {
        mirror_.remove(key, turn.changes);
      } else if (auto ok = mirror_.set(key, node.instance(), fact.value(), turn.changes); !ok) {
        return ok;
      }
    }
  }
  if (update.transfer_end()) {
    for (const FactKey& key : child.stale) mirror_.remove(key, turn.changes);
    child.stale.clear();
    child.transferring = false;
  }
  return {};
}

void Downlink::pass_on(Child& child, v1::Frame& frame, Turn& turn) {
  FromChild notice;
  notice.child = child.name;
  switch (frame.kind_case()) {
    case v1::Frame::kEventBatch: {
      v1::EventBatch& batch = *frame.mutable_event_batch();
      RisingEvents events{{child.name, child.session, batch.ByteSizeLong()}, {}};
      // Not a broken rule: who has just moved here may be ahead of its facts, and says it again.
      if (auto own = check_origin(child, batch); !own) {
        tell_refused(child, "foreign_events", own.error().text(), turn);
        return hand_on(events.source, turn);
      }
      batch.set_path(join_path(child.name, batch.path()));
      events.batch = std::move(batch);
      notice.message = std::move(events);
      break;
    }
    case v1::Frame::kOutcomes: {
      v1::Outcomes& outcomes = *frame.mutable_outcomes();
      for (v1::Outcome& outcome : *outcomes.mutable_outcomes()) {
        outcome.set_path(join_path(child.name, outcome.path()));
      }
      notice.message = std::move(outcomes);
      break;
    }
    case v1::Frame::kGaugeAnswer: {
      v1::GaugeAnswer& answer = *frame.mutable_gauge_answer();
      for (auto& node : *answer.mutable_nodes()) node.set_path(join_path(child.name, node.path()));
      for (auto& gap : *answer.mutable_missing()) gap.set_path(join_path(child.name, gap.path()));
      notice.message = std::move(answer);
      break;
    }
    case v1::Frame::kPong:
      notice.message = std::move(*frame.mutable_pong());
      break;
    case v1::Frame::kStreamData:
      notice.message = std::move(*frame.mutable_stream_data());
      break;
    case v1::Frame::kStreamClose:
      notice.message = std::move(*frame.mutable_stream_close());
      break;
    default:
      return;
  }
  turn.from_children.emplace_back(std::in_place_type<FromChild>, std::move(notice));
}

}  // namespace banyan::tree
