#include "leaf/request_journal.h"

#include <optional>

namespace banyan::leaf {
namespace {

std::optional<RequestVerb> verb_of(const std::string& verb) {
  if (verb == "start") return RequestVerb::start;
  if (verb == "stop") return RequestVerb::stop;
  if (verb == "restart") return RequestVerb::restart;
  if (verb == "signal") return RequestVerb::signal;
  if (verb == "scale") return RequestVerb::scale;
  return std::nullopt;
}

v1::OutcomeKind kind_of(OutcomeKind kind) {
  switch (kind) {
    case OutcomeKind::done:
      return v1::OUTCOME_KIND_DONE;
    case OutcomeKind::failed:
      return v1::OUTCOME_KIND_FAILED;
    case OutcomeKind::rejected:
      return v1::OUTCOME_KIND_REJECTED;
  }
  return v1::OUTCOME_KIND_UNKNOWN;
}

v1::Outcome make(const std::string& target, v1::OutcomeKind kind, std::string reason) {
  v1::Outcome outcome;
  outcome.set_target(target);
  outcome.set_kind(kind);
  outcome.set_reason(std::move(reason));
  return outcome;
}

// Why this part of the request cannot be acted upon; nothing when it can.
std::optional<v1::Outcome> objection(const v1::Request& request, const v1::RequestTarget& target,
                                     const std::string& instance) {
  const std::string& name = target.target();
  if (!verb_of(request.command().verb())) {
    return make(name, v1::OUTCOME_KIND_REJECTED,
                "this leaf does not know the verb " + request.command().verb());
  }
  if (!target.path().empty() || name.empty()) {
    return make(name, v1::OUTCOME_KIND_REJECTED, "not a target of this leaf");
  }
  if (!target.instance().empty() && target.instance() != instance) {
    return make(name, v1::OUTCOME_KIND_REJECTED, "gone: another node has this name now");
  }
  if (request.ttl_ms() == 0) {
    return make(name, v1::OUTCOME_KIND_EXPIRED, "its time was over before it reached the leaf");
  }
  return std::nullopt;
}

}  // namespace

void RequestJournal::remember(const std::string& id) {
  if (entries_.contains(id)) return;
  entries_[id];
  order_.push_back(id);
  while (order_.size() > max_ids) {
    for (const auto& [target, token] : entries_.at(order_.front()).running) tokens_.erase(token);
    entries_.erase(order_.front());
    order_.pop_front();
  }
}

RequestJournal::Taken RequestJournal::take(const v1::Request& request,
                                           const std::string& instance) {
  Taken taken;
  const std::string& id = request.command().id();
  taken.at_once.set_id(id);
  remember(id);
  Entry& entry = entries_.at(id);
  for (const v1::RequestTarget& target : request.targets()) {
    const std::string& name = target.target();
    if (entry.running.contains(name)) {
      ++taken.repeated;
      continue;
    }
    if (const auto known = entry.settled.find(name); known != entry.settled.end()) {
      ++taken.repeated;
      *taken.at_once.add_outcomes() = known->second;
      continue;
    }
    if (auto no = objection(request, target, instance)) {
      entry.settled[name] = *no;
      *taken.at_once.add_outcomes() = std::move(*no);
      continue;
    }
    const std::uint64_t token = ++last_token_;
    entry.running[name] = token;
    tokens_[token] = {id, name};
    taken.requests.push_back({token, *verb_of(request.command().verb()), name, target.generation(),
                              request.command().signal(), request.command().instances()});
  }
  return taken;
}

std::vector<v1::HeldRequest> RequestJournal::held() const {
  std::vector<v1::HeldRequest> list;
  for (const std::string& id : order_) {
    const Entry& entry = entries_.at(id);
    v1::HeldRequest& held = list.emplace_back();
    held.set_id(id);
    for (const auto& [target, outcome] : entry.settled) *held.add_outcomes() = outcome;
    for (const auto& [target, token] : entry.running) {
      *held.add_outcomes() =
          make(target, v1::OUTCOME_KIND_UNKNOWN, "the leaf was upgraded while this was under way");
    }
  }
  return list;
}

void RequestJournal::resume(const v1::Handover& handover) {
  for (const v1::HeldRequest& held : handover.requests()) {
    remember(held.id());
    for (const v1::Outcome& outcome : held.outcomes()) {
      entries_.at(held.id()).settled[outcome.target()] = outcome;
    }
  }
}

v1::Outcomes RequestJournal::answer(const v1::OutcomeAsk& ask, const std::string& instance,
                                    const v1::Boot& boot) {
  const bool this_run =
      ask.boot().random() == boot.random() && ask.boot().start_ms() == boot.start_ms();
  v1::Outcomes outcomes;
  outcomes.set_id(ask.id());
  for (const v1::RequestTarget& target : ask.targets()) {
    if (!target.path().empty() || target.instance() != instance) continue;
    remember(ask.id());
    Entry& entry = entries_.at(ask.id());
    const std::string& name = target.target();
    if (entry.running.contains(name)) continue;
    auto known = entry.settled.find(name);
    if (known == entry.settled.end()) {
      auto fence = this_run ? make(name, v1::OUTCOME_KIND_UNREACHABLE, "it never arrived")
                            : make(name, v1::OUTCOME_KIND_UNKNOWN,
                                   "the leaf has restarted since; nobody knows");
      known = entry.settled.emplace(name, std::move(fence)).first;
    }
    *outcomes.add_outcomes() = known->second;
  }
  return outcomes;
}

v1::Outcomes RequestJournal::settle(const Outcome& outcome) {
  v1::Outcomes outcomes;
  const auto it = tokens_.find(outcome.token);
  if (it == tokens_.end()) return outcomes;
  const auto [id, target] = it->second;
  tokens_.erase(it);
  Entry& entry = entries_.at(id);
  entry.running.erase(target);
  v1::Outcome& settled = entry.settled[target];
  settled = make(target, kind_of(outcome.kind), outcome.reason);
  settled.set_generation(outcome.generation);
  settled.set_pid(outcome.pid);
  outcomes.set_id(id);
  *outcomes.add_outcomes() = settled;
  return outcomes;
}

}  // namespace banyan::leaf
