#pragma once
// All targets of a leaf: hands events and requests to the machine of the target they name.
// Pure; owned and called by the leaf role, one thread. Costs: O(log n) per event, O(n) for
// next_deadline() and time_reached().

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "leaf/target_machine.h"

namespace banyan::leaf {

class Supervisor {
 public:
  // Names are unique (the reader sees to it). `remembered` is what was wanted before this run of
  // the agent, in this boot; it overrides autostart. Names in it that are not configured are
  // dropped.
  Supervisor(std::vector<TargetConfig> configs, const std::map<std::string, bool>& remembered,
             std::uint64_t seed);

  // Once, before anything else: takes over what runs already. What is not configured is left out.
  void inherit(const Legacy& legacy, Now now, SupervisorEffects& effects);
  // Once, before all that follows: launches what is wanted.
  void begin(Now now, SupervisorEffects& effects);
  void handle(const ProcessEvent& event, Now now, SupervisorEffects& effects);
  void handle(const TargetRequest& request, Now now, SupervisorEffects& effects);
  void time_reached(Now now, SupervisorEffects& effects);
  // Stops every target, all at the same time, without forgetting that they are wanted.
  void shut_down(Now now, SupervisorEffects& effects);
  // No process of any target is left; after shut_down() this comes to be, by answered effects.
  bool all_gone() const;

  Time next_deadline() const;

  const TargetStatus* find(std::string_view target) const;  // null when not configured
  const TargetConfig* config(std::string_view target) const;
  std::vector<TargetStatus> statuses() const;  // by name
  std::map<std::string, bool> wanted() const;  // to be remembered
  bool wanted(std::string_view target) const;  // false when not configured

 private:
  const TargetMachine* machine(std::string_view target) const;

  std::map<std::string, TargetMachine, std::less<>> machines_;
};

}  // namespace banyan::leaf
