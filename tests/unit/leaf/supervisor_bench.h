#pragma once
// A supervisor of several targets on the bench: time moved by hand, effects told as short lines.

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "leaf/supervisor.h"

namespace banyan::leaf {

class SupervisorBench {
 public:
  static TargetConfig target(const std::string& name, std::vector<std::string> depends = {}) {
    TargetConfig config;
    config.name = name;
    config.command = {"/bin/" + name};
    config.depends = std::move(depends);
    return config;
  }

  explicit SupervisorBench(std::vector<TargetConfig> configs,
                           const std::map<std::string, bool>& remembered = {})
      : supervisor(std::move(configs), remembered, 42) {
    supervisor.begin(now, effects);
  }

  std::uint64_t generation(const std::string& name) { return supervisor.find(name)->generation; }
  TargetState state(const std::string& name) { return supervisor.find(name)->state; }
  const std::string& error(const std::string& name) { return supervisor.find(name)->error; }

  void tell(const ProcessEvent& event) { supervisor.handle(event, now, effects); }
  void launched(const std::string& name) { tell(Launched{name, generation(name), 7}); }
  void exited(const std::string& name, int code = 0) {
    tell(ProcessExited{name, generation(name), code, 0, false});
  }
  void gone(const std::string& name) { tell(SubtreeGone{name, generation(name), 0, 0}); }
  void ended(const std::string& name) {
    exited(name);
    gone(name);
  }
  void ask(RequestVerb verb, const std::vector<std::string>& names) {
    std::vector<TargetRequest> requests;
    for (const auto& name : names) {
      requests.push_back(TargetRequest{++last_token_, verb, name, 0, 0});
    }
    supervisor.handle(std::move(requests), now, effects);
  }
  void pass(Duration time) {
    now.time += time;
    now.wall += std::chrono::duration_cast<milliseconds>(time);
    if (supervisor.next_deadline() <= now.time) supervisor.time_reached(now, effects);
  }

  // What was asked for since the last call: "launch db", "stop db" (its first signal), "end db".
  std::vector<std::string> orders() {
    std::vector<std::string> list;
    for (const auto& effect : std::exchange(effects.processes, {})) {
      if (const auto* launch = std::get_if<Launch>(&effect))
        list.push_back("launch " + launch->target);
      if (const auto* end = std::get_if<EndSubtree>(&effect)) list.push_back("end " + end->target);
      const auto* signal = std::get_if<SignalProcess>(&effect);
      if (signal != nullptr) list.push_back("stop " + signal->target);
    }
    return list;
  }
  std::vector<std::string> answers() {
    std::vector<std::string> list;
    for (const auto& outcome : std::exchange(effects.outcomes, {})) {
      auto text = std::to_string(outcome.token) + " " + std::string{outcome_name(outcome.kind)};
      list.push_back(outcome.reason.empty() ? text : text + ": " + outcome.reason);
    }
    return list;
  }
  template <class T>
  std::vector<T> notices() const {
    std::vector<T> found;
    for (const auto& item : effects.notices) {
      if (const auto* match = std::get_if<T>(&item)) found.push_back(*match);
    }
    return found;
  }

  Now now{Time{} + seconds{1000}, wall_from_ms(1'772'366'400'000), {}};  // 2026-03-01T12:00:00Z
  Supervisor supervisor;
  SupervisorEffects effects;

 private:
  std::uint64_t last_token_ = 0;
};

}  // namespace banyan::leaf
