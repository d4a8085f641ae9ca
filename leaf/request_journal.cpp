#include "leaf/request_journal.h"

#include <optional>

#include "common/base/name.h"

namespace banyan::leaf {
namespace {

constexpr std::size_t max_id_size = 64;  // of what is kept for a question; roots use 16 bytes

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

std::vector<std::string> RequestJournal::remember(const std::string& id) {
  std::vector<std::string> forgotten;
  if (entries_.contains(id)) return forgotten;
  entries_[id];
  order_.push_back(id);
  while (order_.size() > max_ids) {
    for (const auto& [target, token] : entries_.at(order_.front()).running) tokens_.erase(token);
    entries_.erase(order_.front());
    forgotten.push_back(std::move(order_.front()));
    order_.pop_front();
  }
  return forgotten;
}

void RequestJournal::fence(Fence what, v1::Outcome outcome) {
  if (!fences_.emplace(what, std::move(outcome)).second) return;
  fence_order_.push_back(std::move(what));
  while (fence_order_.size() > max_fences) {
    fences_.erase(fence_order_.front());
    fence_order_.pop_front();
  }
}

const v1::Outcome* RequestJournal::settled(const std::string& id, const std::string& target) const {
  if (const auto entry = entries_.find(id); entry != entries_.end()) {
    const auto known = entry->second.settled.find(target);
    if (known != entry->second.settled.end()) return &known->second;
  }
  const auto fenced = fences_.find({id, target});
  return fenced == fences_.end() ? nullptr : &fenced->second;
}

bool RequestJournal::runs(const std::string& id, const std::string& target) const {
  const auto entry = entries_.find(id);
  return entry != entries_.end() && entry->second.running.contains(target);
}

RequestJournal::Taken RequestJournal::take(const v1::Request& request,
                                           const std::string& instance) {
  Taken taken;
  const std::string& id = request.command().id();
  taken.at_once.set_id(id);
  taken.forgotten = remember(id);
  Entry& entry = entries_.at(id);
  for (const v1::RequestTarget& target : request.targets()) {
    const std::string& name = target.target();
    if (runs(id, name)) {
      ++taken.repeated;
      continue;
    }
    if (const v1::Outcome* known = settled(id, name)) {
      ++taken.repeated;
      *taken.at_once.add_outcomes() = *known;
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
  for (const Fence& each : fence_order_) {
    v1::HeldRequest& held = list.emplace_back();
    held.set_id(each.first);
    held.set_fence(true);
    *held.add_outcomes() = fences_.at(each);
  }
  return list;
}

void RequestJournal::resume(const v1::Handover& handover) {
  for (const v1::HeldRequest& held : handover.requests()) {
    if (!held.fence()) remember(held.id());
    for (const v1::Outcome& outcome : held.outcomes()) {
      if (held.fence()) {
        fence({held.id(), outcome.target()}, outcome);
      } else {
        entries_.at(held.id()).settled[outcome.target()] = outcome;
      }
    }
  }
}

v1::Outcomes RequestJournal::answer(const v1::OutcomeAsk& ask, const std::string& instance,
                                    const v1::Boot& boot) {
  const bool this_run =
      ask.boot().random() == boot.random() && ask.boot().start_ms() == boot.start_ms();
  v1::Outcomes outcomes;
  outcomes.set_id(ask.id());
  if (ask.id().size() > max_id_size) return outcomes;
  for (const v1::RequestTarget& target : ask.targets()) {
    if (!target.path().empty() || target.instance() != instance) continue;
    const std::string& name = target.target();
    if (!is_name(name) || runs(ask.id(), name)) continue;
    if (settled(ask.id(), name) == nullptr) {
      fence({ask.id(), name}, this_run
                                  ? make(name, v1::OUTCOME_KIND_UNREACHABLE, "it never arrived")
                                  : make(name, v1::OUTCOME_KIND_UNKNOWN,
                                         "the leaf has restarted since; nobody knows"));
    }
    *outcomes.add_outcomes() = *settled(ask.id(), name);
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
