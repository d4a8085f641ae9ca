#include "common/tree/request_table.h"

#include <algorithm>

#include "common/base/name.h"

namespace banyan::tree {
namespace {

constexpr std::size_t max_part_bytes = 64 * 1024;

bool part_is_full(int count, std::size_t bytes) {
  return count >= static_cast<int>(RequestTable::targets_per_frame) || bytes >= max_part_bytes;
}

}  // namespace

// Outcomes of one request, in as many messages as it takes for each to fit a frame.
class RequestTable::OutcomeParts {
 public:
  OutcomeParts(const std::string& id, std::vector<v1::Outcomes>& parts) : id_(id), parts_(parts) {}

  void add(const std::pair<std::string, std::string>& key, v1::OutcomeKind kind,
           const std::string& reason) {
    if (!part_ || part_is_full(parts_.back().outcomes_size(), bytes_)) begin();
    v1::Outcome& outcome = *parts_.back().add_outcomes();
    outcome.set_path(key.first);
    outcome.set_target(key.second);
    outcome.set_kind(kind);
    outcome.set_reason(reason);
    bytes_ += outcome.ByteSizeLong();
  }

 private:
  void begin() {
    parts_.emplace_back().set_id(id_);
    part_ = true;
    bytes_ = 0;
  }

  const std::string& id_;
  std::vector<v1::Outcomes>& parts_;
  bool part_ = false;
  std::size_t bytes_ = 0;
};

namespace {

std::string why_unreachable(const Child* child, const std::string& name) {
  if (child == nullptr) return name + " is not known here";
  switch (child->liveness.state()) {
    case Liveness::State::left:
      return name + " has left";
    case Liveness::State::lost:
      return name + " is lost: " + child->liveness.why();
    default:
      return name + " is not connected: " + child->liveness.why();
  }
}

}  // namespace

void RequestTable::route(const v1::Request& request, Turn& turn,
                         std::vector<v1::Outcomes>& rising) {
  OutcomeParts at_once(request.command().id(), rising);
  std::map<std::string, std::vector<const v1::RequestTarget*>> by_child;
  const bool full = entries_.size() >= max_entries && !entries_.contains(request.command().id());
  for (const v1::RequestTarget& target : request.targets()) {
    const std::string child(split_first(target.path()).first);
    const Child* held = downlink_.find(child);
    const Key key{target.path(), target.target()};
    const bool ends_here = split_first(target.path()).second.empty();
    if (request.command().verb() == "forget" && ends_here && !child.empty()) {
      forget(target, at_once, turn);
    } else if (request.ttl_ms() == 0) {
      at_once.add(key, v1::OUTCOME_KIND_EXPIRED, "its time was over on the way");
    } else if (child.empty()) {
      at_once.add(key, v1::OUTCOME_KIND_REJECTED, "this node runs no targets");
    } else if (full) {
      at_once.add(key, v1::OUTCOME_KIND_REJECTED, "too many requests are under way");
    } else if (held == nullptr || !held->in_session()) {
      at_once.add(key, v1::OUTCOME_KIND_UNREACHABLE, why_unreachable(held, child));
    } else {
      by_child[child].push_back(&target);
    }
  }
  for (const auto& [child, targets] : by_child) hand_down(request, child, targets, turn);
}

// A node is forgotten by the one that lists it.
void RequestTable::forget(const v1::RequestTarget& target, OutcomeParts& outcomes, Turn& turn) {
  const std::string& name = target.path();
  const Key key{name, target.target()};
  const Child* held = downlink_.find(name);
  if (held == nullptr) {
    outcomes.add(key, v1::OUTCOME_KIND_REJECTED, name + " is not known here");
  } else if (!target.instance().empty() && target.instance() != held->instance) {
    outcomes.add(key, v1::OUTCOME_KIND_REJECTED, name + " is another instance by now");
  } else if (downlink_.forget(name, "asked to", turn)) {
    outcomes.add(key, v1::OUTCOME_KIND_DONE, "");
  } else {
    outcomes.add(key, v1::OUTCOME_KIND_REJECTED, name + " is neither lost nor left");
  }
}

void RequestTable::hand_down(const v1::Request& request, const std::string& child,
                             const std::vector<const v1::RequestTarget*>& targets, Turn& turn) {
  Entry& entry = entries_[request.command().id()];
  const Duration ttl = milliseconds{request.ttl_ms()};
  entry.drop_at = std::max(entry.drop_at, after(turn.now.time, ttl + kept_after_ttl));
  earliest_ = std::min(earliest_, entry.drop_at);
  for (std::size_t i = 0; i < targets.size();) {
    v1::Frame frame;
    v1::Request& part = *frame.mutable_request();
    *part.mutable_command() = request.command();
    if (request.has_signed_command()) {
      *part.mutable_signed_command() = request.signed_command();
    }
    part.set_ttl_ms(request.ttl_ms());
    part.set_heard(downlink_.find(child)->last_beat);
    std::size_t bytes = 0;
    for (; i < targets.size() && !part_is_full(part.targets_size(), bytes); ++i) {
      v1::RequestTarget& target = *part.add_targets();
      target = *targets[i];
      entry.open[child].emplace(target.path(), target.target());
      target.set_path(std::string(split_first(target.path()).second));
      bytes += target.ByteSizeLong();
    }
    downlink_.send(child, std::move(frame), turn);
  }
}

void RequestTable::on_outcomes(const std::string& child, const v1::Outcomes& outcomes) {
  const auto entry = entries_.find(outcomes.id());
  if (entry == entries_.end()) return;
  const auto open = entry->second.open.find(child);
  if (open == entry->second.open.end()) return;
  for (const v1::Outcome& outcome : outcomes.outcomes()) {
    open->second.erase({outcome.path(), outcome.target()});
  }
  if (open->second.empty()) entry->second.open.erase(open);
  if (entry->second.open.empty()) entries_.erase(entry);
}

void RequestTable::on_child_gone(const std::string& child, std::vector<v1::Outcomes>& rising) {
  for (auto it = entries_.begin(); it != entries_.end();) {
    const auto open = it->second.open.find(child);
    if (open != it->second.open.end()) {
      OutcomeParts outcomes(it->first, rising);
      for (const Key& key : open->second) {
        outcomes.add(key, v1::OUTCOME_KIND_IN_DOUBT,
                     "the link to " + child + " broke while the request was below it");
      }
      it->second.open.erase(open);
    }
    it = it->second.open.empty() ? entries_.erase(it) : std::next(it);
  }
}

void RequestTable::on_time(Time now) {
  if (now < earliest_) return;
  std::erase_if(entries_, [now](const auto& entry) { return now >= entry.second.drop_at; });
  earliest_ = never;
  for (const auto& [id, entry] : entries_) earliest_ = std::min(earliest_, entry.drop_at);
}

}  // namespace banyan::tree
