#pragma once
// A supervisor on the bench: one target `api`, time moved by hand, effects kept for looking at.

#include <string>
#include <utility>
#include <vector>

#include "leaf/supervisor.h"

namespace banyan::leaf {

class TargetBench {
 public:
  static TargetConfig default_config() {
    TargetConfig config;
    config.name = "api";
    config.command = {"/bin/api"};
    return config;
  }

  explicit TargetBench(TargetConfig config = default_config(),
                       const std::map<std::string, bool>& remembered = {},
                       const Legacy& legacy = {})
      : supervisor({std::move(config)}, remembered, 42) {
    supervisor.inherit(legacy, now, effects);
    supervisor.begin(now, effects);
  }

  // A target that has been launched and runs as generation 1.
  static TargetBench running(TargetConfig config = default_config()) {
    TargetBench bench{std::move(config)};
    bench.launched();
    bench.effects = {};
    return bench;
  }

  void tell(const ProcessEvent& event) { supervisor.handle(event, now, effects); }
  void launched(int pid = 0) {
    tell(Launched{"api", status().generation, pid == 0 ? next_pid_++ : pid});
  }
  void launch_failed(int error_number, const std::string& text) {
    tell(LaunchFailed{"api", status().generation, error_number, text});
  }
  void exited(int code, int signal = 0) {
    tell(ProcessExited{"api", status().generation, code, signal, false});
  }
  void gone(std::uint64_t generation, unsigned unkillable = 0) {
    tell(SubtreeGone{"api", generation, 0, unkillable});
  }
  void checked(Health health, const std::string& text = {},
               CheckPurpose purpose = CheckPurpose::health) {
    tell(CheckResult{"api", status().generation, purpose, health, text});
  }
  void tell(const CheckEvent& event) { supervisor.handle(event, now, effects); }
  // What the target says, of its present generation.
  void says(Notified said) {
    said.target = "api";
    said.generation = status().generation;
    tell(CheckEvent{std::move(said)});
  }
  void ask(std::uint64_t token, RequestVerb verb, std::uint64_t seen = 0) {
    supervisor.handle(TargetRequest{token, verb, "api", seen, 0}, now, effects);
  }
  void ask_signal(std::uint64_t token, int signal) {
    supervisor.handle(TargetRequest{token, RequestVerb::signal, "api", 0, signal}, now, effects);
  }
  void pass(Duration time) {
    now.time += time;
    now.wall += std::chrono::duration_cast<milliseconds>(time);
    if (supervisor.next_deadline() <= now.time) supervisor.time_reached(now, effects);
  }

  const TargetStatus& status() const { return *supervisor.find("api"); }
  TargetState state() const { return status().state; }

  template <class T>
  std::vector<T> processes() const {
    return only<T>(effects.processes);
  }
  template <class T>
  std::vector<T> notices() const {
    return only<T>(effects.notices);
  }
  template <class T>
  std::vector<T> checks() const {
    return only<T>(effects.checks);
  }
  // "launch 2" "signal 15 group" "end 1" in order.
  std::vector<std::string> orders() const {
    std::vector<std::string> list;
    for (const auto& effect : effects.processes) list.push_back(describe(effect));
    return list;
  }
  // "1 done", "2 rejected: superseded by stop"
  std::vector<std::string> answers() const {
    std::vector<std::string> list;
    for (const auto& outcome : effects.outcomes) {
      auto text = std::to_string(outcome.token) + " " + std::string{outcome_name(outcome.kind)};
      if (!outcome.reason.empty()) text += ": " + outcome.reason;
      list.push_back(std::move(text));
    }
    return list;
  }

  Now now{Time{} + seconds{1000}, wall_from_ms(1'700'000'000'000)};
  Supervisor supervisor;
  SupervisorEffects effects;

 private:
  template <class T, class List>
  static std::vector<T> only(const List& list) {
    std::vector<T> found;
    for (const auto& item : list) {
      if (const auto* match = std::get_if<T>(&item)) found.push_back(*match);
    }
    return found;
  }

  static std::string describe(const ProcessEffect& effect) {
    if (const auto* launch = std::get_if<Launch>(&effect)) {
      return "launch " + std::to_string(launch->generation);
    }
    if (const auto* end = std::get_if<EndSubtree>(&effect)) {
      return "end " + std::to_string(end->generation);
    }
    const auto& signal = std::get<SignalProcess>(effect);
    return "signal " + std::to_string(signal.signal) + (signal.group ? " group" : "") +
           (signal.resume ? " resume" : "");
  }

  int next_pid_ = 100;
};

}  // namespace banyan::leaf
