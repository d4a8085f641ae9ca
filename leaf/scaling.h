#pragma once
// `scale` requests under way: each is done when the instances that it added run and those that it
// took away are gone, and failed when one of the new ones fails to start.
//
//   under way --(the last start is answered, the last instance is gone)--> answered
//   under way --(another scale of the group, or a reload)--> rejected as superseded
//
// Pure; owned by the leaf role, one thread. Bounds: one per group.

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "leaf/instance_groups.h"
#include "leaf/target_request.h"

namespace banyan::leaf {

class Scaling {
 public:
  // Set in the tokens of what is asked of the supervisor for a scale.
  static constexpr std::uint64_t own_token = 1ULL << 63U;

  // The groups have changed so for `request`; what is to be asked of the supervisor.
  std::vector<TargetRequest> begin(const TargetRequest& request,
                                   const InstanceGroups::Change& change);
  void refuse(const TargetRequest& request, const std::string& why);
  // True when the outcome was for a scale.
  bool on_outcome(const Outcome& outcome);
  void on_removed(const std::string& target);
  // The configuration was read anew.
  void supersede_all(const std::string& why);

  std::vector<Outcome> take_outcomes() { return std::exchange(outcomes_, {}); }

 private:
  struct Running {
    std::uint64_t token = 0;  // of the request
    std::string text;         // "3 -> 5 instances"
    std::map<std::uint64_t, std::string> starts;
    std::set<std::string> leaving;
    std::vector<std::string> failures;
  };
  using Groups = std::map<std::string, Running>;
  TargetRequest ask(Running& running, RequestVerb verb, const std::string& target);
  void settle(Groups::iterator it);
  void supersede(Groups::iterator it, const std::string& why);

  Groups running_;  // by group
  std::uint64_t last_token_ = 0;
  std::vector<Outcome> outcomes_;
};

}  // namespace banyan::leaf
