#include "leaf/supervisor.h"

#include <algorithm>

#include "common/base/check.h"
#include "leaf/config_change.h"

namespace banyan::leaf {
namespace {

constexpr const char* leaf_ends = "the leaf is shutting down";
constexpr const char* target_removed = "removed from the configuration";

template <class Members>
std::string waits_for(const Members& depends) {
  std::string names;
  for (const auto* needed : depends) {
    if (needed->machine.satisfies()) continue;
    names += (names.empty() ? "waits for " : ", ") + needed->machine.status().name;
  }
  return names;
}

bool is_over(TargetState state) {
  return state == TargetState::stopped || state == TargetState::exited ||
         state == TargetState::failed;
}

}  // namespace

Supervisor::Supervisor(std::vector<TargetConfig> configs,
                       const std::map<std::string, bool>& remembered, std::uint64_t seed)
    : pace_(std::make_unique<RestartPace>()), seeds_(seed) {
  for (auto& config : configs) {
    const auto memory = remembered.find(config.name);
    const bool wanted = memory == remembered.end() ? config.autostart : memory->second;
    const auto order = members_.size();
    add(std::move(config), wanted).order = order;
  }
  link({});
}

Supervisor::Member& Supervisor::add(TargetConfig config, bool wanted) {
  const auto name = config.name;
  const auto [entry, added] = members_.try_emplace(
      name,
      TargetOrigin{std::move(config), wanted, seeds_.next(), pace_.get(), generations_[name]});
  CHECK(added);
  return entry->second;
}

void Supervisor::link(const std::map<std::string, TargetConfig>& wished) {
  for (auto& [name, each] : members_) {
    each.depends.clear();
    each.dependents.clear();
    each.rank = 0;
  }
  for (auto& [name, each] : members_) {
    const auto wish = wished.find(name);
    const auto& config = wish == wished.end() ? each.machine.config() : wish->second;
    for (const auto& needed : config.depends) {
      const auto found = members_.find(needed);
      if (found == members_.end()) continue;
      each.depends.push_back(&found->second);
      found->second.dependents.push_back(&each);
    }
  }
  for (auto& [name, each] : members_) each.rank = rank_of(each, 0);
}

unsigned Supervisor::rank_of(Member& member, unsigned depth) {
  constexpr unsigned deepest = 10'000;
  CHECK(depth < deepest);  // else a cycle
  if (member.rank > 0) return member.rank;
  unsigned rank = 1;
  for (Member* needed : member.depends) rank = std::max(rank, rank_of(*needed, depth + 1) + 1);
  member.rank = rank;
  return rank;
}

std::vector<Supervisor::Member*> Supervisor::by_rank() {
  std::vector<Member*> list;
  for (auto& [name, each] : members_) list.push_back(&each);
  std::stable_sort(list.begin(), list.end(),
                   [](const Member* a, const Member* b) { return a->rank > b->rank; });
  return list;
}

void Supervisor::inherit(const Legacy& legacy, Now now, SupervisorEffects& effects) {
  for (const TargetMemory& memory : legacy.memories) {
    const auto found = members_.find(memory.target);
    if (found != members_.end()) {
      found->second.machine.remember(memory);
    } else {
      generations_[memory.target] = memory.generation;  // it may be configured again
    }
  }
  for (const EndedRun& run : legacy.ended) {
    const auto found = members_.find(run.target);
    if (found != members_.end()) found->second.machine.expect_end(run);
  }
  for (const AdoptedRun& run : legacy.runs) {
    const auto found = members_.find(run.target);
    if (found == members_.end()) continue;
    found->second.machine.adopt(run, now, effects);
    settle(found->second, now, effects);
  }
  for (const TargetPosition& position : legacy.positions) {
    const auto found = members_.find(position.memory.target);
    if (found == members_.end()) continue;
    found->second.machine.resume(position, now, effects);
    settle(found->second, now, effects);
  }
}

std::vector<TargetPosition> Supervisor::positions() const {
  std::vector<TargetPosition> list;
  for (const auto& [name, each] : members_) list.push_back(each.machine.position());
  return list;
}

bool Supervisor::settled() const {
  return std::none_of(members_.begin(), members_.end(), [](const auto& entry) {
    const TargetStatus& status = entry.second.machine.status();
    const bool launching = status.state == TargetState::starting && status.pid == 0;
    return launching || status.state == TargetState::stopping;
  });
}

void Supervisor::begin(Now now, SupervisorEffects& effects) {
  for (auto& [name, each] : members_) {
    each.machine.set_hold(waits_for(each.depends), now, effects);
  }
  for (auto& [name, each] : members_) {
    each.machine.begin(now, effects);
    settle(each, now, effects);
  }
}

void Supervisor::handle(const ProcessEvent& event, Now now, SupervisorEffects& effects) {
  const auto& name =
      std::visit([](const auto& kind) -> const std::string& { return kind.target; }, event);
  const auto found = members_.find(name);
  if (found == members_.end()) return;
  found->second.machine.handle(event, now, effects);
  settle(found->second, now, effects);
  forget_removed(effects);
}

void Supervisor::handle(const CheckEvent& event, Now now, SupervisorEffects& effects) {
  const auto& name =
      std::visit([](const auto& kind) -> const std::string& { return kind.target; }, event);
  const auto found = members_.find(name);
  if (found == members_.end()) return;
  found->second.machine.handle(event, now, effects);
  settle(found->second, now, effects);
}

void Supervisor::handle(const UsageSampled& sampled, Now now, SupervisorEffects& effects) {
  for (const TargetUsage& usage : sampled.targets) {
    const auto found = members_.find(usage.target);
    if (found == members_.end()) continue;
    found->second.machine.handle(usage, now, effects);
    settle(found->second, now, effects);
  }
}

void Supervisor::handle(const TargetRequest& request, Now now, SupervisorEffects& effects) {
  const auto found = members_.find(request.target);
  if (found == members_.end()) {
    effects.outcomes.push_back(
        Outcome{request.token, OutcomeKind::rejected, "no such target", 0, 0});
    return;
  }
  found->second.machine.handle(request, now, effects);
  settle(found->second, now, effects);
}

void Supervisor::handle(std::vector<TargetRequest> requests, Now now, SupervisorEffects& effects) {
  const auto place = [this](const TargetRequest& request) {
    const Member* found = member(request.target);
    const int rank = found == nullptr ? 0 : static_cast<int>(found->rank);
    return request.verb == RequestVerb::start ? rank : -rank;
  };
  std::stable_sort(requests.begin(), requests.end(),
                   [&](const auto& a, const auto& b) { return place(a) < place(b); });
  for (const auto& request : requests) handle(request, now, effects);
}

void Supervisor::time_reached(Now now, SupervisorEffects& effects) {
  std::vector<Member*> due;
  for (const auto& [deadline, order, each] : deadlines_) {
    if (deadline > now.time) break;
    due.push_back(each);
  }
  for (Member* each : due) {
    each->machine.time_reached(now, effects);
    settle(*each, now, effects);
  }
}

void Supervisor::shut_down(Now now, SupervisorEffects& effects) {
  for (Member* each : by_rank()) {
    each->machine.shut_down(leaf_ends, now, effects);
    settle(*each, now, effects);
  }
}

ReconfigureResult Supervisor::reconfigure(std::vector<TargetConfig> configs, Now now,
                                          SupervisorEffects& effects) {
  ReconfigureResult result;
  std::map<std::string, TargetConfig> wished;
  std::set<Member*> fresh;
  std::size_t order = 0;
  for (auto& config : configs) {
    auto found = members_.find(config.name);
    if (found == members_.end()) {
      fresh.insert(&add(config, config.autostart));
      found = members_.find(config.name);
    }
    deadlines_.erase({found->second.deadline, found->second.order, &found->second});
    found->second.order = order++;
    found->second.deadline = never;
    wished.emplace(config.name, std::move(config));
  }
  result.added = static_cast<unsigned>(fresh.size());
  link(wished);
  for (auto& [name, each] : members_) {  // what is new to wait for, before anything is launched
    const auto text = waits_for(each.depends);
    if (!text.empty()) each.machine.set_hold(text, now, effects);
  }
  for (Member* each : by_rank()) {
    if (fresh.contains(each)) continue;
    const auto wish = wished.find(each->machine.status().name);
    TargetMachine& machine = each->machine;
    if (wish == wished.end()) {
      if (!removed_.insert(machine.status().name).second) continue;
      ++result.removed;
      machine.shut_down(target_removed, now, effects);
    } else if (removed_.erase(wish->first) > 0) {
      ++result.added;
      machine.revive(std::move(wish->second), now, effects);
    } else if (machine.config() == wish->second) {
      // nothing changed
    } else if (is_same_launch(machine.config(), wish->second)) {
      ++result.adopted;
      machine.adopt(std::move(wish->second), now, effects);
    } else {
      ++result.replaced;
      machine.replace(std::move(wish->second), now, effects);
    }
    settle(*each, now, effects);
  }
  for (auto& [name, each] : members_) {
    each.machine.set_hold(waits_for(each.depends), now, effects);
    if (fresh.contains(&each)) each.machine.begin(now, effects);
    settle(each, now, effects);
  }
  forget_removed(effects);
  return result;
}

void Supervisor::settle(Member& first, Now now, SupervisorEffects& effects) {
  std::vector<Member*> touched{&first};
  while (!touched.empty()) {
    Member& each = *touched.back();
    touched.pop_back();
    const bool failed = each.machine.take_failure();
    for (Member* other : tell_others(each, now, effects)) touched.push_back(other);
    if (failed) {
      for (Member* other : restart_group(each, now, effects)) touched.push_back(other);
    }
    index(each);
  }
}

std::vector<Supervisor::Member*> Supervisor::tell_others(Member& member, Now now,
                                                         SupervisorEffects& effects) {
  const auto& status = member.machine.status();
  const bool satisfies = member.machine.satisfies();
  if (member.state == status.state && member.satisfies == satisfies) return {};
  const bool just_over = is_over(status.state) && member.state != status.state && !satisfies;
  member.state = status.state;
  member.satisfies = satisfies;
  std::vector<Member*> told;
  for (Member* other : member.dependents) {
    other->machine.set_hold(waits_for(other->depends), now, effects);
    if (just_over) {
      other->machine.dependency_failed(
          status.name + ", which it depends on, is " + std::string{state_name(status.state)},
          effects);
    }
    told.push_back(other);
  }
  for (Member* needed : member.depends) {
    const bool held = std::any_of(
        needed->dependents.begin(), needed->dependents.end(),
        [](const Member* each) { return each->machine.status().state == TargetState::stopping; });
    needed->machine.set_stop_hold(held, now, effects);
    told.push_back(needed);
  }
  return told;
}

std::vector<Supervisor::Member*> Supervisor::restart_group(Member& member, Now now,
                                                           SupervisorEffects& effects) {
  const TargetConfig& config = member.machine.config();
  std::vector<Member*> told;
  if (config.strategy == Strategy::one_for_one) return told;
  const bool rest = config.strategy == Strategy::rest_for_one;
  for (Member* other : by_rank()) {
    const bool same_group = other->machine.config().strategy_group == config.strategy_group;
    const bool concerned = other != &member && same_group && (!rest || other->order > member.order);
    if (!concerned) continue;
    other->machine.restart_along(member.machine.status().name, now, effects);
    told.push_back(other);
    for (Member* stale : tell_others(*other, now, effects)) told.push_back(stale);
  }
  return told;
}

void Supervisor::index(Member& member) {
  const Time deadline = member.machine.next_deadline();
  if (deadline == member.deadline) return;
  if (member.deadline != never) deadlines_.erase({member.deadline, member.order, &member});
  member.deadline = deadline;
  if (deadline != never) deadlines_.emplace(deadline, member.order, &member);
}

void Supervisor::forget_removed(SupervisorEffects& effects) {
  if (removed_.empty()) return;
  bool forgot = false;
  for (auto name = removed_.begin(); name != removed_.end();) {
    const auto found = members_.find(*name);
    if (!found->second.machine.gone() || found->second.machine.alive()) {
      ++name;
      continue;
    }
    Member& each = found->second;
    if (each.deadline != never) deadlines_.erase({each.deadline, each.order, &each});
    generations_[*name] = each.machine.status().generation;
    effects.notice(TargetRemoved{*name});
    members_.erase(found);
    name = removed_.erase(name);
    forgot = true;
  }
  if (forgot) link({});
}

bool Supervisor::all_gone() const {
  return std::all_of(members_.begin(), members_.end(),
                     [](const auto& entry) { return entry.second.machine.gone(); });
}

Time Supervisor::next_deadline() const {
  return deadlines_.empty() ? never : std::get<Time>(*deadlines_.begin());
}

const Supervisor::Member* Supervisor::member(std::string_view target) const {
  const auto found = members_.find(target);
  return found == members_.end() ? nullptr : &found->second;
}

const TargetStatus* Supervisor::find(std::string_view target) const {
  const auto* found = member(target);
  return found == nullptr ? nullptr : &found->machine.status();
}

const TargetConfig* Supervisor::config(std::string_view target) const {
  const auto* found = member(target);
  return found == nullptr ? nullptr : &found->machine.config();
}

bool Supervisor::wanted(std::string_view target) const {
  const auto* found = member(target);
  return found != nullptr && found->machine.wanted();
}

std::vector<TargetStatus> Supervisor::statuses() const {
  std::vector<TargetStatus> list;
  for (const auto& [name, each] : members_) list.push_back(each.machine.status());
  return list;
}

std::map<std::string, bool> Supervisor::wanted() const {
  std::map<std::string, bool> map;
  for (const auto& [name, each] : members_) map[name] = each.machine.wanted();
  return map;
}

}  // namespace banyan::leaf
