#include "leaf/io/check_runner.h"

#include <boost/asio/post.hpp>

#include <fmt/format.h>

#include "common/base/text.h"
#include "common/base/units.h"

namespace banyan::leaf {
namespace {

constexpr std::uint64_t generations_kept = 2;  // of one target: an old one may still be ending

Health health_of_code(int code) {
  switch (code) {
    case 0:
      return Health::healthy;
    case 1:
      return Health::degraded;
    case 3:
      return Health::unknown;
    default:
      return Health::unhealthy;
  }
}

// What a check runs with, of the target's own.
TargetConfig surroundings_of(const TargetConfig& config) {
  TargetConfig kept;
  kept.name = config.name;
  kept.cwd = config.cwd;
  kept.env = config.env;
  kept.umask = config.umask;
  kept.process = config.process;
  kept.process.on_start.clear();
  kept.process.on_exit.clear();
  return kept;
}

}  // namespace

CheckAnswer judge_exec(const HelperResult& result, Duration timeout) {
  switch (result.end) {
    case HelperResult::End::exited: {
      const auto said = result.text.empty() ? fmt::format("exit={}", result.code) : result.text;
      return {health_of_code(result.code), said};
    }
    case HelperResult::End::signalled:
      return {Health::unhealthy, "the check was ended by " + signal_name(result.signal)};
    case HelperResult::End::timed_out:
      return {Health::unhealthy, "no answer within " + exact_duration(timeout)};
    case HelperResult::End::not_started:
      return {Health::unknown, result.text};
  }
  return {};
}

CheckRunner::CheckRunner(boost::asio::io_context& loop, HelperProcesses& helpers, CheckHooks hooks)
    : loop_(loop), helpers_(helpers), hooks_(std::move(hooks)), network_(loop), pipes_(loop) {}

void CheckRunner::begin(const TargetConfig& config, std::uint64_t generation, Descriptor ready) {
  auto oldest = generations_.lower_bound({config.name, 0});
  while (oldest != generations_.end() && oldest->first.first == config.name &&
         oldest->first.second + generations_kept <= generation) {
    forget(Key(oldest->first));
    oldest = generations_.lower_bound({config.name, 0});
  }
  const auto* logs = hooks_.logs(config.name);
  const Key key{config.name, generation};
  generations_[key] = {surroundings_of(config), logs == nullptr ? LogPlace{} : end_of(*logs)};
  if (ready) pipes_.keep(key, std::move(ready));
}

void CheckRunner::perform(const CheckEffect& effect) {
  if (const auto* asked = std::get_if<RunCheck>(&effect)) run(*asked);
  if (const auto* over = std::get_if<CancelChecks>(&effect)) cancel(*over);
}

void CheckRunner::run(const RunCheck& effect) {
  const TryKey key{effect.target, effect.generation, effect.purpose};
  stop(key);
  const auto generation = generations_.find({effect.target, effect.generation});
  if (generation == generations_.end()) return;  // it has ended
  running_[key].kind = effect.check.kind;
  const auto done = [this, key](CheckAnswer given) { answer(key, std::move(given)); };
  switch (effect.check.kind) {
    case CheckKind::none:
    case CheckKind::notify:
      break;
    case CheckKind::fd:
      return pipes_.run({effect.target, effect.generation}, done);
    case CheckKind::exec:
      return run_exec(key, effect.check, generation->second);
    case CheckKind::tcp:
    case CheckKind::http:
      running_[key].id = network_.run(effect.check, done);
      break;
    case CheckKind::log:
      return run_log(key, effect.check, generation->second);
  }
}

void CheckRunner::run_exec(const TryKey& key, const CheckConfig& check,
                           const Generation& generation) {
  HelperCommand command;
  command.config = generation.config;
  command.config.command = check.exec;
  command.generation = std::get<std::uint64_t>(key);
  command.timeout = check.timeout;
  const auto timeout = check.timeout;
  running_[key].id = helpers_.run(std::move(command), [this, key, timeout](HelperResult result) {
    answer(key, judge_exec(result, timeout));
  });
}

void CheckRunner::run_log(const TryKey& key, const CheckConfig& check,
                          const Generation& generation) {
  const auto* logs = hooks_.logs(std::get<std::string>(key));
  if (logs == nullptr) return answer_later(key, {Health::unknown, "the target has no log"});
  auto watch = LogWatch::open(*logs, check.pattern, generation.log_begin);
  if (!watch) return answer_later(key, {Health::unknown, visible(watch.error().text())});
  Try& each = running_[key];
  each.watch = std::move(*watch);
  plan_look(key, each);
}

void CheckRunner::grew(const std::string& target) {
  auto each = running_.lower_bound({target, 0, CheckPurpose::ready});
  for (; each != running_.end() && std::get<std::string>(each->first) == target; ++each) {
    if (each->second.watch) plan_look(each->first, each->second);
  }
}

void CheckRunner::plan_look(const TryKey& key, Try& each) {
  if (std::exchange(each.looking, true)) return;
  boost::asio::post(loop_, [this, key] { look(key); });
}

void CheckRunner::look(const TryKey& key) {
  const auto entry = running_.find(key);
  if (entry == running_.end() || !entry->second.watch) return;
  Try& each = entry->second;
  each.looking = false;
  switch (each.watch->look()) {
    case LogWatch::Look::found:
      return answer(key, {Health::healthy, visible(each.watch->line().substr(0, 1024))});
    case LogWatch::Look::not_yet:
      return plan_look(key, each);
    case LogWatch::Look::nothing:
      return;
  }
}

void CheckRunner::cancel(const CancelChecks& effect) {
  stop({effect.target, effect.generation, CheckPurpose::ready});
  stop({effect.target, effect.generation, CheckPurpose::health});
}

void CheckRunner::forget(const Key& key) {
  cancel({key.first, key.second});
  pipes_.forget(key);
  generations_.erase(key);
}

void CheckRunner::stop(const TryKey& key) {
  const auto entry = running_.find(key);
  if (entry == running_.end()) return;
  if (entry->second.kind == CheckKind::exec) {
    helpers_.cancel(entry->second.id);
  } else if (entry->second.kind == CheckKind::fd) {
    pipes_.stop({std::get<std::string>(key), std::get<std::uint64_t>(key)});
  } else if (entry->second.id != 0) {
    network_.cancel(entry->second.id);
  }
  running_.erase(entry);
}

void CheckRunner::answer(const TryKey& key, CheckAnswer given) {
  if (running_.erase(key) == 0) return;  // cancelled meanwhile
  const auto& [target, generation, purpose] = key;
  hooks_.event(CheckResult{target, generation, purpose, given.health, std::move(given.text)});
}

void CheckRunner::answer_later(const TryKey& key, CheckAnswer given) {
  boost::asio::post(loop_, [this, key, given = std::move(given)] { answer(key, given); });
}

}  // namespace banyan::leaf
