// The part of Downlink that knows whom it knows: children stay listed when they are gone, until
// they are forgotten, and come back from an earlier run of this node.

#include <algorithm>

#include "common/tree/downlink.h"

namespace banyan::tree {
namespace {

using State = Liveness::State;

State state_of_link(v1::LinkState state) {
  switch (state) {
    case v1::LINK_STATE_LOST:
      return State::lost;
    case v1::LINK_STATE_LEFT:
      return State::left;
    case v1::LINK_STATE_UP:
      return State::up;
    case v1::LINK_STATE_SUSPECT:
      return State::suspect;
    default:
      return State::syncing;
  }
}

}  // namespace

Time Downlink::forget_at(const Child& child) const {
  switch (child.liveness.state()) {
    case State::lost:
      return after(child.gone_at, options_.forget_lost);
    case State::left:
      return after(child.gone_at, options_.forget_left);
    default:
      return never;
  }
}

bool Downlink::forget(const std::string& name, const std::string& why, Turn& turn) {
  const auto it = children_.find(name);
  if (it == children_.end() || forget_at(it->second) == never) return false;
  drop(std::string(name), why, turn);
  return true;
}

void Downlink::drop(const std::string& name, const std::string& why, Turn& turn) {
  mirror_.remove_subtree(name, turn.changes);
  mirror_.remove({"", v1::FACT_KIND_LINK, name}, turn.changes);
  children_.erase(name);
  turn.effects.log(LogLevel::info, "child=" + name + " state=forgotten reason=" + why);
  turn.from_children.emplace_back(std::in_place_type<OwnEvent>,
                                  OwnEvent{"forgotten", name, why, "{}"});
}

void Downlink::forget_expired(Turn& turn) {
  std::vector<std::string> expired;
  for (const auto& [name, child] : children_) {
    const Time at = forget_at(child);
    if (at <= turn.now.time) {
      expired.push_back(name);
    } else {
      deadline_ = std::min(deadline_, at);
    }
  }
  for (const std::string& name : expired) {
    const bool left = children_.at(name).liveness.state() == State::left;
    forget(name, left ? "it left, longer ago than forget_left" : "lost for longer than forget_lost",
           turn);
  }
}

// Before a living child is refused: the one that left longest ago goes, then the one lost longest
// ago.
void Downlink::make_room(const std::string& newcomer, Turn& turn) {
  if (children_.size() < options_.max_children || children_.contains(newcomer)) return;
  const Child* oldest = nullptr;
  const auto rank = [](const Child& child) {
    return std::pair(child.liveness.state() != State::left, child.gone_at);
  };
  for (const auto& [name, child] : children_) {
    if (forget_at(child) == never) continue;
    if (oldest == nullptr || rank(child) < rank(*oldest)) oldest = &child;
  }
  if (oldest == nullptr) return;
  forget(std::string(oldest->name), "to make room for " + newcomer, turn);
}

// They stay where they are while their links change.
std::vector<const Mirror::Node*> Downlink::linked_children() const {
  std::vector<const Mirror::Node*> linked;
  for (const auto& child : mirror_.top().children()) {
    if (child->has_link()) linked.push_back(child.get());
  }
  return linked;
}

void Downlink::restore(Turn& turn) {
  for (const Mirror::Node* node : linked_children()) {
    know_again(std::string(node->name()), *node->link(), turn);
  }
}

void Downlink::know_again(const std::string& name, const v1::LinkFact& link, Turn& turn) {
  Child& child = children_[name];
  child.name = name;
  child.instance = link.instance();
  child.boot = link.boot();
  child.attach = link.attach();
  child.version = link.peer_version();
  child.role = "relay";
  const Mirror::Node* node = mirror_.find(name);
  const auto fact = node == nullptr ? std::nullopt : node->fact();
  if (fact) {
    child.role = fact->role();
    child.host = fact->host();
  }
  child.interval = seconds{1};
  child.since = wall_from_ms(link.since_ms());
  child.evidence.assign(link.evidence().begin(), link.evidence().end());
  const std::int64_t gone_ms = std::max<std::int64_t>(wall_ms(turn.now.wall) - link.since_ms(), 0);
  child.gone_at = turn.now.time - std::min<Duration>(milliseconds{gone_ms}, options_.forget_lost);
  const State was = state_of_link(link.state());
  // Nobody is accused before all had their chance to come back.
  const LivenessOptions patient{child.interval, options_.timeout, options_.timeout};
  if (child.liveness.on_restored(was, patient, turn.now.time)) show(child, turn);
  watch(child);
}

}  // namespace banyan::tree
