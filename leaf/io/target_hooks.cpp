#include "leaf/io/target_hooks.h"

#include <fmt/format.h>

#include "common/base/units.h"

namespace banyan::leaf {
namespace {

std::string describe(const HelperResult& result) {
  switch (result.end) {
    case HelperResult::End::exited:
      return result.code == 0 ? "" : fmt::format("exit={}", result.code);
    case HelperResult::End::signalled:
      return "signal=" + signal_name(result.signal);
    case HelperResult::End::timed_out:
      return "no end within " + exact_duration(TargetHooks::time_limit);
    case HelperResult::End::not_started:
      return "not started";
  }
  return {};
}

}  // namespace

void TargetHooks::adopted(const TargetConfig& config, std::uint64_t generation, int pid) {
  if (config.process.on_exit.empty()) {
    last_.erase(config.name);
  } else {
    last_[config.name] = Run{config, generation, pid};
  }
}

void TargetHooks::started(const TargetConfig& config, std::uint64_t generation, int pid) {
  adopted(config, generation, pid);
  if (config.process.on_start.empty()) return;
  run({config, generation, pid}, config.process.on_start, {{"BANYAN_EVENT", "start"}},
      fmt::format(R"({{"event":"start","target":"{}","generation":{},"pid":{}}})", config.name,
                  generation, pid));
}

void TargetHooks::exited(const ProcessExited& event) {
  const auto entry = last_.find(event.target);
  if (entry == last_.end() || entry->second.generation != event.generation) return;
  const bool signalled = event.signal != 0;
  const auto code = signalled || event.unknown ? "null" : std::to_string(event.code);
  const auto signal = signalled ? "\"" + signal_name(event.signal) + "\"" : "null";
  Environment details{{"BANYAN_EVENT", "exit"}};
  if (signalled) {
    details["BANYAN_EXIT_SIGNAL"] = signal_name(event.signal);
  } else if (!event.unknown) {
    details["BANYAN_EXIT_CODE"] = code;
  }
  const Run run_of = std::move(entry->second);
  last_.erase(entry);
  run(run_of, run_of.config.process.on_exit, std::move(details),
      fmt::format(R"({{"event":"exit","target":"{}","generation":{},"pid":{},"code":{},)"
                  R"("signal":{},"core":{}}})",
                  event.target, event.generation, run_of.pid, code, signal, event.core));
}

void TargetHooks::run(const Run& of, const std::vector<std::string>& command, Environment details,
                      std::string json) {
  HelperCommand helper;
  helper.config = of.config;
  helper.config.command = command;
  helper.generation = of.generation;
  helper.environment = std::move(details);
  helper.environment["BANYAN_NAME"] = of.config.name;
  helper.environment["BANYAN_GENERATION"] = std::to_string(of.generation);
  helper.environment["BANYAN_PID"] = std::to_string(of.pid);
  helper.input = std::move(json) + "\n";
  helper.timeout = time_limit;
  helper.outlives_target = true;
  const auto what =
      fmt::format("target={} on_{}", of.config.name, helper.environment["BANYAN_EVENT"]);
  helpers_.run(std::move(helper), [this, what](const HelperResult& result) {
    const auto trouble = describe(result);
    if (trouble.empty()) return;
    say_(fmt::format("{} failed: {}{}{}", what, trouble, result.text.empty() ? "" : ": ",
                     result.text));
  });
}

}  // namespace banyan::leaf
