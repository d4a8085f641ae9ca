#pragma once
// A launcher, checks and people as random as they can be within the contract of leaf_event.h, and
// the promises of a supervisor, looked at after each event.

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "leaf/supervisor.h"

namespace banyan::leaf {

class SupervisorWorld {
 public:
  explicit SupervisorWorld(std::uint64_t seed);

  void run(int steps);

 private:
  using Key = std::pair<std::string, std::uint64_t>;
  using CheckKey = std::tuple<std::string, std::uint64_t, CheckPurpose>;
  struct Instance {
    bool launching = false;
    bool alive = false;
    bool ending = false;     // EndSubtree is to be answered
    std::uint64_t hash = 0;  // of what it was launched with
  };

  static std::map<std::string, TargetConfig> by_name(const std::vector<TargetConfig>& configs);
  static std::vector<TargetConfig> values(const std::map<std::string, TargetConfig>& map);
  static bool is_ready(const TargetStatus& status, const TargetConfig& config);

  std::vector<TargetConfig> random_configs();
  TargetConfig random_config(int number);
  void add_checks(TargetConfig& config);

  void one_step();
  void ask();
  void pass_time();
  void reach_time();
  void answer_something();
  void answer(Key key, Instance& instance);
  void answer_check();
  void say_something();
  template <class Event>
  void tell(const Event& event) {
    supervisor_->handle(event, now_, effects_);
    absorb();
  }

  void absorb();
  void perform(const Launch& launch);
  void perform(const SignalProcess& signal);
  void perform(const EndSubtree& end);
  void perform(const RunCheck& run);
  void perform(const CancelChecks& cancel);
  void look_at(const TargetNotice& notice);
  void look_at_rest(const std::string& name);

  // supervisor_world_end.cpp
  void agent_dies();
  // Everything is well and quiet: then what is wanted runs, and who asked was answered.
  void calm_down();
  void be_well();
  void look_at_calm();
  void shut_down();
  void answer_at_last();

  Random random_;
  Now now_{Time{} + seconds{1000}, wall_from_ms(1'772'366'400'000), {}};
  std::map<std::string, TargetConfig> configs_;
  std::map<std::string, bool> wanted_;            // as kept for the next agent
  std::map<std::string, TargetMemory> memories_;  // by the keeper
  std::unique_ptr<Supervisor> supervisor_;
  SupervisorEffects effects_;
  std::map<Key, Instance> instances_;
  std::set<CheckKey> checks_;
  std::map<std::string, std::uint64_t> newest_;
  std::map<std::string, TargetState> states_;
  std::map<std::string, bool> satisfied_;  // as of the last event, and the one before it
  std::set<Key> runs_;
  std::set<std::uint64_t> open_;
  std::uint64_t last_token_ = 0;
  bool shut_ = false;
};

}  // namespace banyan::leaf
