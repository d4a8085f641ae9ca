#include "leaf/supervisor.h"

#include <algorithm>

#include "common/base/check.h"

namespace banyan::leaf {

Supervisor::Supervisor(std::vector<TargetConfig> configs,
                       const std::map<std::string, bool>& remembered, std::uint64_t seed) {
  Random seeds{seed};
  for (auto& config : configs) {
    const auto memory = remembered.find(config.name);
    const bool wanted = memory == remembered.end() ? config.autostart : memory->second;
    const auto name = config.name;
    const bool added = machines_.try_emplace(name, std::move(config), wanted, seeds.next()).second;
    CHECK(added);
  }
}

void Supervisor::inherit(const Legacy& legacy, Now now, SupervisorEffects& effects) {
  for (const TargetMemory& memory : legacy.memories) {
    const auto found = machines_.find(memory.target);
    if (found != machines_.end()) found->second.remember(memory);
  }
  for (const AdoptedRun& run : legacy.runs) {
    const auto found = machines_.find(run.target);
    if (found != machines_.end()) found->second.adopt(run, now, effects);
  }
}

void Supervisor::begin(Now now, SupervisorEffects& effects) {
  for (auto& [name, machine] : machines_) machine.begin(now, effects);
}

void Supervisor::handle(const ProcessEvent& event, Now now, SupervisorEffects& effects) {
  const auto& name =
      std::visit([](const auto& kind) -> const std::string& { return kind.target; }, event);
  const auto found = machines_.find(name);
  if (found != machines_.end()) found->second.handle(event, now, effects);
}

void Supervisor::handle(const TargetRequest& request, Now now, SupervisorEffects& effects) {
  const auto found = machines_.find(request.target);
  if (found == machines_.end()) {
    effects.outcomes.push_back(
        Outcome{request.token, OutcomeKind::rejected, "no such target", 0, 0});
    return;
  }
  found->second.handle(request, now, effects);
}

void Supervisor::time_reached(Now now, SupervisorEffects& effects) {
  for (auto& [name, machine] : machines_) machine.time_reached(now, effects);
}

void Supervisor::shut_down(Now now, SupervisorEffects& effects) {
  for (auto& [name, machine] : machines_) machine.shut_down(now, effects);
}

bool Supervisor::all_gone() const {
  return std::all_of(machines_.begin(), machines_.end(),
                     [](const auto& entry) { return entry.second.gone(); });
}

Time Supervisor::next_deadline() const {
  Time next = never;
  for (const auto& [name, machine] : machines_) next = std::min(next, machine.next_deadline());
  return next;
}

const TargetMachine* Supervisor::machine(std::string_view target) const {
  const auto found = machines_.find(target);
  return found == machines_.end() ? nullptr : &found->second;
}

const TargetStatus* Supervisor::find(std::string_view target) const {
  const auto* found = machine(target);
  return found == nullptr ? nullptr : &found->status();
}

const TargetConfig* Supervisor::config(std::string_view target) const {
  const auto* found = machine(target);
  return found == nullptr ? nullptr : &found->config();
}

std::vector<TargetStatus> Supervisor::statuses() const {
  std::vector<TargetStatus> list;
  for (const auto& [name, machine] : machines_) list.push_back(machine.status());
  return list;
}

bool Supervisor::wanted(std::string_view target) const {
  const TargetMachine* held = machine(target);
  return held != nullptr && held->wanted();
}

std::map<std::string, bool> Supervisor::wanted() const {
  std::map<std::string, bool> map;
  for (const auto& [name, machine] : machines_) map[name] = machine.wanted();
  return map;
}

}  // namespace banyan::leaf
