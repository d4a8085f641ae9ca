#pragma once
// All targets of a leaf: hands events and requests to the machine of the target they name, and
// knows what the targets are to each other.
//
//   depends   a target is launched only while every target it depends on is ready, or has ended
//             with success; until then it waits in pending. When they are stopped together, it
//             goes first. What happens to the others later does not touch it.
//   strategy  a failure of one member of a strategy_group, to be followed by another run, makes
//             the others (all_for_one), or those configured after it (rest_for_one), run anew.
//   pace      restarts of all targets together are spread (RestartPace).
//
// Pure; owned and called by the leaf role, one thread. Costs: O(log n) per event and per deadline,
// O(1) for next_deadline(); a change of readiness costs its dependents.

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "leaf/target_machine.h"

namespace banyan::leaf {

struct ReconfigureResult {
  unsigned added = 0;
  unsigned removed = 0;
  unsigned replaced = 0;  // what is launched has changed
  unsigned adopted = 0;   // only the policy has
};

class Supervisor {
 public:
  // Names are unique, `depends` names some of them without a cycle (the reader sees to it).
  // `remembered` is what was wanted before this run of the agent, in this boot; it overrides
  // autostart. Names in it that are not configured are dropped.
  Supervisor(std::vector<TargetConfig> configs, const std::map<std::string, bool>& remembered,
             std::uint64_t seed);

  // Once, before anything else: takes over what runs already. What is not configured is left out.
  void inherit(const Legacy& legacy, Now now, SupervisorEffects& effects);
  // Of all targets, by name.
  std::vector<TargetPosition> positions() const;
  // Nothing is being launched or stopped.
  bool settled() const;
  // Once, before all that follows: launches what is wanted.
  void begin(Now now, SupervisorEffects& effects);
  void handle(const ProcessEvent& event, Now now, SupervisorEffects& effects);
  void handle(const CheckEvent& event, Now now, SupervisorEffects& effects);
  void handle(const TargetRequest& request, Now now, SupervisorEffects& effects);
  // Asked together: dependents are stopped first and started last.
  void handle(std::vector<TargetRequest> requests, Now now, SupervisorEffects& effects);
  void time_reached(Now now, SupervisorEffects& effects);
  // Stops every target, all at the same time but for what depends on each other, without
  // forgetting that they are wanted.
  void shut_down(Now now, SupervisorEffects& effects);
  // From now on these are the targets; what did not change is not touched, and what is gone from
  // the list is stopped and then forgotten (TargetRemoved).
  ReconfigureResult reconfigure(std::vector<TargetConfig> configs, Now now,
                                SupervisorEffects& effects);
  // No process of any target is left; after shut_down() this comes to be, by answered effects.
  bool all_gone() const;

  Time next_deadline() const;

  const TargetStatus* find(std::string_view target) const;  // null when not configured
  const TargetConfig* config(std::string_view target) const;
  std::vector<TargetStatus> statuses() const;  // by name
  std::map<std::string, bool> wanted() const;  // to be remembered
  bool wanted(std::string_view target) const;  // false when not configured

 private:
  struct Member {
    explicit Member(TargetOrigin origin) : machine(std::move(origin)) {}

    TargetMachine machine;
    std::size_t order = 0;  // of the configuration
    unsigned rank = 0;      // the longest way down to one that depends on nothing
    std::vector<Member*> depends;
    std::vector<Member*> dependents;
    // As the others know it:
    TargetState state = TargetState::pending;
    bool satisfies = false;
    Time deadline = never;
  };
  using Deadline = std::tuple<Time, std::size_t, Member*>;

  Member& add(TargetConfig config, bool wanted);
  // By the configuration in `wished`, else by the one a machine has.
  void link(const std::map<std::string, TargetConfig>& wished);
  static unsigned rank_of(Member& member, unsigned depth);
  std::vector<Member*> by_rank();  // dependents first

  // After each call to a machine: tells those whom its change concerns, and theirs.
  void settle(Member& member, Now now, SupervisorEffects& effects);
  std::vector<Member*> tell_others(Member& member, Now now, SupervisorEffects& effects);
  std::vector<Member*> restart_group(Member& member, Now now, SupervisorEffects& effects);
  void index(Member& member);
  void forget_removed(SupervisorEffects& effects);
  const Member* member(std::string_view target) const;

  std::unique_ptr<RestartPace> pace_;
  Random seeds_;
  std::map<std::string, Member, std::less<>> members_;
  std::set<Deadline> deadlines_;
  std::set<std::string> removed_;  // no longer configured, not yet gone
  // The last ones of targets that were forgotten: a name that comes back counts on. One number per
  // name ever configured.
  std::map<std::string, std::uint64_t> generations_;
};

}  // namespace banyan::leaf
