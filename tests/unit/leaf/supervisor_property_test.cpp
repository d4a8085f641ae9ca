// 200,000 random events from seeds: whatever the order in which the launcher answers, processes
// end, time passes and people ask, these hold:
//   - never two main processes of a target at once, never a launch while one is alive
//   - every request is answered exactly once
//   - `stopped` is said only when nothing of the target is left
//   - every run that started is told to have ended exactly once, and state changes form a chain
//   - nothing is stuck: when the launcher has answered and time has passed, all is settled

#include <cerrno>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "leaf/supervisor.h"

namespace banyan::leaf {
namespace {

constexpr int seeds = 2000;
constexpr int steps = 100;

struct Instance {
  bool launching = false;
  bool alive = false;
  bool ending = false;  // EndSubtree is to be answered
};

// The launcher and the people, as random as they can be within the contract of leaf_event.h.
class World {
 public:
  explicit World(std::uint64_t seed)
      : random_(seed), supervisor_({config("a"), config("b")}, {{"b", seed % 3 == 0}}, seed) {
    if (random_.chance(0.3)) inherit();
    supervisor_.begin(now_, effects_);
    absorb();
  }

  void run() {
    for (int step = 0; step < steps && !testing::Test::HasFailure(); ++step) {
      one_step();
      absorb();
    }
    settle();
  }

 private:
  using Key = std::pair<std::string, std::uint64_t>;

  TargetConfig config(const std::string& name) {
    TargetConfig config;
    config.name = name;
    config.command = {"/bin/" + name};
    config.restart = static_cast<RestartPolicy>(random_.below(3));
    config.autostart = random_.chance(0.8);
    config.stop_timeout = milliseconds{static_cast<int>(random_.below(3)) * 500};
    if (random_.chance(0.3)) config.backoff.min = Duration{0};
    if (random_.chance(0.3)) config.max_restarts = {3, seconds{10}};
    return config;
  }

  // An earlier run of the agent has left a process of `a`.
  void inherit() {
    newest_["a"] = 7;
    instances_[{"a", 7}].alive = true;
    runs_.insert({"a", 7});
    const bool changed = random_.chance(0.3);
    supervisor_.inherit({{{"a", 7, 1, now_.time - seconds{5}, changed}}, {{"a", 7, 2, {}}}}, now_,
                        effects_);
  }

  void one_step() {
    const auto dice = random_.below(10);
    if (dice < 4) {
      ask();
    } else if (dice < 5) {
      pass_time();
    } else {
      answer_something();
    }
    if (random_.chance(0.003)) supervisor_.shut_down(now_, effects_);
  }

  void ask() {
    TargetRequest request;
    request.token = ++last_token_;
    request.verb = static_cast<RequestVerb>(random_.below(4));
    request.target = random_.chance(0.5) ? "a" : "b";
    request.signal = static_cast<int>(random_.below(66));
    if (random_.chance(0.3)) request.seen_generation = 1 + random_.below(4);
    open_.insert(request.token);
    supervisor_.handle(request, now_, effects_);
  }

  void pass_time() {
    now_.time += milliseconds{static_cast<int>(random_.below(4)) * 400};
    now_.wall += milliseconds{1};
    if (supervisor_.next_deadline() <= now_.time) supervisor_.time_reached(now_, effects_);
  }

  void answer_something() {
    if (instances_.empty()) return;
    auto instance = instances_.begin();
    std::advance(instance, static_cast<long>(random_.below(instances_.size())));
    answer(instance->first, instance->second);
  }

  void answer(const Key key, Instance& instance) {
    const auto& [name, generation] = key;
    if (instance.launching) {
      instance.launching = false;
      instance.alive = random_.chance(0.8);
      if (instance.alive) return tell(Launched{name, generation, 1});
      const bool passing = random_.chance(0.5);
      return tell(LaunchFailed{name, generation, passing ? EAGAIN : ENOENT, "refused"});
    }
    if (instance.ending && instance.alive && random_.chance(0.1)) {
      instance.ending = false;
      return tell(SubtreeGone{name, generation, 0, 1});
    }
    if (instance.alive) {
      instance.alive = false;
      const int code = static_cast<int>(random_.below(2));
      return tell(ProcessExited{name, generation, code, 0, false});
    }
    if (instance.ending) {
      instance.ending = false;
      tell(SubtreeGone{name, generation, 0, 0});
    }
  }

  void tell(const ProcessEvent& event) { supervisor_.handle(event, now_, effects_); }

  void absorb() {
    auto effects = std::move(effects_);
    effects_ = {};
    for (const auto& effect : effects.processes) {
      std::visit([this](const auto& kind) { perform(kind); }, effect);
    }
    for (const auto& notice : effects.notices) check(notice);
    for (const auto& outcome : effects.outcomes) {
      EXPECT_EQ(open_.erase(outcome.token), 1U) << "token " << outcome.token << " answered twice";
    }
  }

  void perform(const Launch& launch) {
    for (const auto& [key, instance] : instances_) {
      const bool same = key.first == launch.target;
      EXPECT_FALSE(same && (instance.alive || instance.launching)) << "two at once";
    }
    EXPECT_GT(launch.generation, newest_[launch.target]);
    newest_[launch.target] = launch.generation;
    instances_[{launch.target, launch.generation}].launching = true;
  }
  void perform(const SignalProcess& signal) {
    EXPECT_TRUE((instances_[{signal.target, signal.generation}].alive));
  }
  void perform(const EndSubtree& end) {
    auto& instance = instances_[{end.target, end.generation}];
    EXPECT_FALSE(instance.ending) << "asked for twice";
    instance.ending = true;
  }

  void check(const TargetNotice& notice) {
    if (const auto* change = std::get_if<StateChanged>(&notice)) {
      EXPECT_EQ(change->was, states_[change->now.name]);
      states_[change->now.name] = change->now.state;
      if (change->now.state == TargetState::stopped) check_nothing_left(change->now.name);
    } else if (const auto* started = std::get_if<RunStarted>(&notice)) {
      EXPECT_TRUE(runs_.insert({started->target, started->generation}).second);
    } else if (const auto* ended = std::get_if<RunEnded>(&notice)) {
      EXPECT_EQ(runs_.erase({ended->target, ended->generation}), 1U);
    }
  }

  void check_nothing_left(const std::string& name) {
    for (const auto& [key, instance] : instances_) {
      const bool left = instance.launching || instance.alive || instance.ending;
      EXPECT_FALSE(key.first == name && left) << name << " generation " << key.second;
    }
  }

  // People are quiet, the system refuses nothing, all ends: then all must come to rest.
  void settle() {
    supervisor_.shut_down(now_, effects_);
    absorb();
    for (int round = 0; round < 100 && !at_rest(); ++round) {
      now_.time += seconds{40};
      supervisor_.time_reached(now_, effects_);
      absorb();
      for (auto& [key, instance] : instances_) answer_at_last(key, instance);
      absorb();
    }
    EXPECT_TRUE(supervisor_.all_gone());
    EXPECT_TRUE(open_.empty()) << open_.size() << " requests were never answered";
    EXPECT_TRUE(runs_.empty());
    EXPECT_EQ(supervisor_.next_deadline(), never);
  }

  void answer_at_last(const Key& key, Instance& instance) {
    const bool due = instance.launching || instance.alive || instance.ending;
    if (due) answer(key, instance);
  }

  bool at_rest() const {
    for (const auto& [key, instance] : instances_) {
      if (instance.launching || instance.alive || instance.ending) return false;
    }
    return true;
  }

  Random random_;
  Now now_{Time{} + seconds{1000}, wall_from_ms(1)};
  Supervisor supervisor_;
  SupervisorEffects effects_;
  std::map<Key, Instance> instances_;
  std::map<std::string, std::uint64_t> newest_;
  std::map<std::string, TargetState> states_;
  std::set<Key> runs_;
  std::set<std::uint64_t> open_;
  std::uint64_t last_token_ = 0;
};

TEST(SupervisorProperty, HoldsItsPromisesUnderAnyOrderOfEvents) {
  for (std::uint64_t seed = 1; seed <= seeds && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    World{seed}.run();
  }
}

}  // namespace
}  // namespace banyan::leaf
