// How a supervisor of the random world ends: calmly, for good, or with its agent.

#include <algorithm>

#include "tests/unit/leaf/supervisor_world.h"

namespace banyan::leaf {

// Nobody is asked to stop, and nobody is answered any more; the keeper lives on. What was being
// launched runs or does not; what was being ended, or is configured no longer, the next agent ends
// before it looks at anything else. What runs it adopts, and hears of ends in between later.
void SupervisorWorld::agent_dies() {
  open_.clear();
  checks_.clear();
  states_.clear();
  satisfied_.clear();
  runs_.clear();
  if (random_.chance(0.2)) configs_ = by_name(random_configs());
  Legacy legacy;
  for (auto entry = instances_.begin(); entry != instances_.end();) {
    auto& [key, instance] = *entry;
    const bool alive = instance.alive || (instance.launching && random_.chance(0.5));
    const auto config = configs_.find(key.first);
    if (!alive || config == configs_.end()) {
      entry = instances_.erase(entry);
      continue;
    }
    const bool same = launch_hash(config->second) == instance.hash;
    instance = {false, true, false, instance.hash};
    legacy.runs.push_back({key.first, key.second, 1, now_.time - seconds{20}, !same});
    ++entry;
  }
  for (const auto& [name, memory] : memories_) legacy.memories.push_back(memory);
  supervisor_ = std::make_unique<Supervisor>(values(configs_), wanted_, random_.next());
  supervisor_->inherit(legacy, now_, effects_);
  supervisor_->begin(now_, effects_);
  absorb();
}

void SupervisorWorld::calm_down() {
  for (int round = 0; round < 400; ++round) {
    now_.time += milliseconds{400};
    now_.wall += milliseconds{400};
    reach_time();
    be_well();
  }
  look_at_calm();
}

void SupervisorWorld::be_well() {
  const auto present = instances_;
  for (const auto& [key, was] : present) {
    auto& instance = instances_[key];
    const auto state = states_[key.first];
    if (was.launching) {
      instance.launching = false;
      instance.alive = true;
      tell(ProcessEvent{Launched{key.first, key.second, 1}});
    } else if (was.alive && (state == TargetState::stopping || was.ending)) {
      instance.alive = false;
      tell(ProcessEvent{ProcessExited{key.first, key.second, 0, 0, false}});
    } else if (!was.alive && was.ending) {
      instance.ending = false;
      tell(ProcessEvent{SubtreeGone{key.first, key.second, 0, 0}});
    }
    Notified said{key.first, key.second, true, false, false, true, 0, ""};
    tell(CheckEvent{said});
  }
  for (const auto& [name, generation, purpose] : std::exchange(checks_, {})) {
    tell(CheckEvent{CheckResult{name, generation, purpose, Health::healthy, ""}});
  }
}

void SupervisorWorld::look_at_calm() {
  EXPECT_TRUE(open_.empty()) << open_.size() << " requests were never answered";
  for (const auto& [name, config] : configs_) {
    if (!supervisor_->wanted(name) || config.schedule) continue;
    const auto& status = *supervisor_->find(name);
    const bool waits =
        std::any_of(config.depends.begin(), config.depends.end(), [&](const auto& needed) {
          return !is_ready(*supervisor_->find(needed), configs_.at(needed));
        });
    const bool right = status.state == TargetState::running ||
                       status.state == TargetState::failed ||
                       (status.state == TargetState::pending && waits);
    EXPECT_TRUE(right) << name << " is stuck in " << state_name(status.state);
  }
}

// All ends, and then all must come to rest.
void SupervisorWorld::shut_down() {
  supervisor_->shut_down(now_, effects_);
  absorb();
  for (int round = 0; round < 100; ++round) {
    now_.time += seconds{40};
    reach_time();
    answer_at_last();
  }
  EXPECT_TRUE(supervisor_->all_gone());
  EXPECT_TRUE(open_.empty()) << open_.size() << " requests were never answered";
  EXPECT_TRUE(runs_.empty());
  EXPECT_TRUE(checks_.empty());
  EXPECT_EQ(supervisor_->next_deadline(), never);
}

void SupervisorWorld::answer_at_last() {
  const auto present = instances_;
  for (const auto& [key, was] : present) {
    if (was.launching || was.alive || was.ending) answer(key, instances_[key]);
  }
}

}  // namespace banyan::leaf
