#pragma once
// What the supervisor asks for and tells, in order within each list. The caller performs and
// empties them after each call.

#include <utility>
#include <vector>

#include "leaf/leaf_event.h"
#include "leaf/target_request.h"
#include "leaf/target_status.h"

namespace banyan::leaf {

struct SupervisorEffects {
  std::vector<ProcessEffect> processes;
  std::vector<CheckEffect> checks;
  std::vector<std::string> samples;  // targets whose usage is wanted now
  std::vector<TargetNotice> notices;
  std::vector<Outcome> outcomes;

  template <class T>
  void process(T effect) {
    processes.emplace_back(std::in_place_type<T>, std::move(effect));
  }
  template <class T>
  void check(T effect) {
    checks.emplace_back(std::in_place_type<T>, std::move(effect));
  }
  template <class T>
  void notice(T notice) {
    notices.emplace_back(std::in_place_type<T>, std::move(notice));
  }
};

}  // namespace banyan::leaf
