#include "tests/unit/leaf/supervisor_world.h"

#include <algorithm>
#include <cerrno>

#include "leaf/target_facts.h"

namespace banyan::leaf {
namespace {

constexpr int targets = 4;

std::string name_of(int number) { return std::string(1, static_cast<char>('a' + number)); }

}  // namespace

std::map<std::string, TargetConfig> SupervisorWorld::by_name(
    const std::vector<TargetConfig>& configs) {
  std::map<std::string, TargetConfig> map;
  for (const auto& config : configs) map[config.name] = config;
  return map;
}

std::vector<TargetConfig> SupervisorWorld::values(const std::map<std::string, TargetConfig>& map) {
  std::vector<TargetConfig> list;
  for (const auto& [name, config] : map) list.push_back(config);
  return list;
}

bool SupervisorWorld::is_ready(const TargetStatus& status, const TargetConfig& config) {
  if (status.state == TargetState::running) return true;
  const auto& exit = status.last_exit;
  return status.state == TargetState::exited && exit &&
         is_success(config, exit->code, exit->signal);
}

SupervisorWorld::SupervisorWorld(std::uint64_t seed)
    : random_(seed),
      configs_(by_name(random_configs())),
      wanted_({{"b", seed % 3 == 0}}),
      supervisor_(std::make_unique<Supervisor>(values(configs_), wanted_, seed)) {
  supervisor_->begin(now_, effects_);
  absorb();
}

std::vector<TargetConfig> SupervisorWorld::random_configs() {
  std::vector<TargetConfig> configs;
  for (int number = 0; number < targets; ++number) {
    if (number < 2 || random_.chance(0.7)) configs.push_back(random_config(number));
  }
  std::set<std::string> names;
  for (auto& config : configs) {
    std::erase_if(config.depends, [&](const auto& name) { return !names.contains(name); });
    names.insert(config.name);
  }
  return configs;
}

TargetConfig SupervisorWorld::random_config(int number) {
  TargetConfig config;
  config.name = name_of(number);
  config.command = {random_.chance(0.8) ? "/bin/x" : "/bin/y"};
  config.restart = static_cast<RestartPolicy>(random_.below(3));
  config.autostart = random_.chance(0.8);
  config.stop_timeout = milliseconds{static_cast<int>(random_.below(3)) * 500};
  if (random_.chance(0.2)) config.stop_more = {{milliseconds{200}, 2}, {milliseconds{100}, 15}};
  if (random_.chance(0.3)) config.backoff.min = Duration{0};
  if (random_.chance(0.3)) config.max_restarts = {3, seconds{10}};
  for (int other = 0; other < number; ++other) {
    if (random_.chance(0.3)) config.depends.push_back(name_of(other));
  }
  if (random_.chance(0.4)) config.strategy = static_cast<Strategy>(random_.below(3));
  if (random_.chance(0.1)) {
    config.schedule = *parse_cron(random_.chance(0.5) ? "* * * * *" : "*/2 * * * *");
    if (config.restart == RestartPolicy::always) config.restart = RestartPolicy::never;
  }
  add_checks(config);
  return config;
}

void SupervisorWorld::add_checks(TargetConfig& config) {
  constexpr CheckKind ready[] = {CheckKind::none, CheckKind::none, CheckKind::notify,
                                 CheckKind::exec, CheckKind::log};
  config.ready.check.kind = ready[random_.below(5)];
  config.ready.timeout = seconds{2};
  if (random_.chance(0.3)) {
    config.health.check.kind = CheckKind::tcp;
    config.health.every = milliseconds{500};
    config.health.delay = milliseconds{static_cast<int>(random_.below(2)) * 300};
    config.health.failures = 1 + static_cast<unsigned>(random_.below(2));
    config.health.restart = random_.chance(0.6);
  }
  if (random_.chance(0.2)) config.watchdog = seconds{1};
}

void SupervisorWorld::run(int steps) {
  for (int step = 0; step < steps && !testing::Test::HasFailure(); ++step) one_step();
  if (!shut_ && random_.chance(0.5)) calm_down();
  shut_down();
}

void SupervisorWorld::one_step() {
  const auto dice = random_.below(20);
  if (dice < 6) {
    ask();
  } else if (dice < 9) {
    pass_time();
  } else if (dice < 11) {
    answer_check();
  } else if (dice < 13) {
    say_something();
  } else {
    answer_something();
  }
  if (random_.chance(0.02) && !shut_) {
    configs_ = by_name(random_configs());
    supervisor_->reconfigure(values(configs_), now_, effects_);
    absorb();
  }
  if (random_.chance(0.01) && !shut_) agent_dies();
  if (!random_.chance(0.003)) return;
  shut_ = true;
  supervisor_->shut_down(now_, effects_);
  absorb();
}

void SupervisorWorld::ask() {
  std::vector<TargetRequest> requests;
  const auto verb = static_cast<RequestVerb>(random_.below(4));
  for (int number = 0; number < targets; ++number) {
    if (!random_.chance(0.4)) continue;
    TargetRequest request;
    request.token = ++last_token_;
    request.verb = verb;
    request.target = name_of(number);
    request.signal = static_cast<int>(random_.below(66));
    if (random_.chance(0.3)) request.seen_generation = 1 + random_.below(4);
    open_.insert(request.token);
    requests.push_back(request);
  }
  supervisor_->handle(std::move(requests), now_, effects_);
  absorb();
}

void SupervisorWorld::pass_time() {
  const Time next = supervisor_->next_deadline();
  const bool exactly = next != never && next > now_.time && random_.chance(0.5);
  const Duration time =
      exactly ? next - now_.time : milliseconds{static_cast<int>(random_.below(4)) * 400};
  now_.time += time;
  now_.wall += std::chrono::duration_cast<milliseconds>(time);
  reach_time();
}

// A deadline that has come is honoured: none that is over may be left.
void SupervisorWorld::reach_time() {
  if (supervisor_->next_deadline() > now_.time) return;
  supervisor_->time_reached(now_, effects_);
  absorb();
  EXPECT_GT(supervisor_->next_deadline(), now_.time);
}

void SupervisorWorld::answer_something() {
  if (instances_.empty()) return;
  auto instance = instances_.begin();
  std::advance(instance, static_cast<long>(random_.below(instances_.size())));
  answer(instance->first, instance->second);
}

void SupervisorWorld::answer(const Key key, Instance& instance) {
  const auto& [name, generation] = key;
  if (instance.launching) {
    instance.launching = false;
    instance.alive = random_.chance(0.8);
    if (instance.alive) return tell(ProcessEvent{Launched{name, generation, 1}});
    const bool passing = random_.chance(0.5);
    return tell(ProcessEvent{LaunchFailed{name, generation, passing ? EAGAIN : ENOENT, "refused"}});
  }
  if (instance.ending && instance.alive && random_.chance(0.1)) {
    instance.ending = false;
    return tell(ProcessEvent{SubtreeGone{name, generation, 0, 1}});
  }
  if (instance.alive) {
    instance.alive = false;
    ProcessExited exited{name, generation, static_cast<int>(random_.below(2)), 0, false};
    if (random_.chance(0.1)) exited.at = now_.wall - milliseconds{500};  // while nobody was there
    tell(ProcessEvent{exited});
    if (random_.chance(0.1)) tell(ProcessEvent{exited});
    return;
  }
  if (instance.ending) {
    instance.ending = false;
    return tell(ProcessEvent{SubtreeGone{name, generation, 0, 0}});
  }
  instances_.erase(key);
}

void SupervisorWorld::answer_check() {
  if (checks_.empty()) return;
  auto open = checks_.begin();
  std::advance(open, static_cast<long>(random_.below(checks_.size())));
  const auto [name, generation, purpose] = *open;
  checks_.erase(open);
  tell(CheckEvent{
      CheckResult{name, generation, purpose, static_cast<Health>(random_.below(4)), "text"}});
}

void SupervisorWorld::say_something() {
  Notified said;
  said.target = name_of(static_cast<int>(random_.below(targets)));
  said.generation = newest_[said.target] - (random_.chance(0.1) ? 1 : 0);
  said.ready = random_.chance(0.4);
  said.stopping = random_.chance(0.1);
  said.reloading = random_.chance(0.1);
  said.watchdog = random_.chance(0.4);
  said.extend_ms = random_.chance(0.2) ? static_cast<std::int64_t>(random_.below(1000)) : 0;
  tell(CheckEvent{said});
}

void SupervisorWorld::absorb() {
  const auto before = satisfied_;
  for (const auto& [name, config] : configs_) {
    const auto* status = supervisor_->find(name);
    ASSERT_NE(status, nullptr);
    satisfied_[name] = is_ready(*status, config);
  }
  auto effects = std::exchange(effects_, {});
  for (const auto& effect : effects.processes) {
    std::visit([this](const auto& kind) { perform(kind); }, effect);
    const auto* launch = std::get_if<Launch>(&effect);
    if (launch == nullptr || !configs_.contains(launch->target)) continue;
    for (const auto& needed : configs_.at(launch->target).depends) {
      const auto was = before.find(needed);
      EXPECT_TRUE(satisfied_[needed] || (was != before.end() && was->second))
          << launch->target << " was launched without " << needed;
    }
  }
  for (const auto& effect : effects.checks) {
    std::visit([this](const auto& kind) { perform(kind); }, effect);
  }
  for (const auto& notice : effects.notices) look_at(notice);
  for (const auto& outcome : effects.outcomes) {
    EXPECT_EQ(open_.erase(outcome.token), 1U) << "token " << outcome.token << " answered twice";
  }
}

void SupervisorWorld::perform(const Launch& launch) {
  for (const auto& [key, instance] : instances_) {
    const bool same = key.first == launch.target;
    EXPECT_FALSE(same && (instance.alive || instance.launching)) << "two at once";
  }
  EXPECT_GT(launch.generation, newest_[launch.target]);
  newest_[launch.target] = launch.generation;
  auto& instance = instances_[{launch.target, launch.generation}];
  instance.launching = true;
  instance.hash = launch_hash(launch.config);
}

void SupervisorWorld::perform(const SignalProcess& signal) {
  EXPECT_TRUE((instances_[{signal.target, signal.generation}].alive));
}

void SupervisorWorld::perform(const EndSubtree& end) {
  auto& instance = instances_[{end.target, end.generation}];
  EXPECT_FALSE(instance.ending) << "asked for twice";
  instance.ending = true;
}

void SupervisorWorld::perform(const RunCheck& run) {
  EXPECT_TRUE((instances_[{run.target, run.generation}].alive)) << "a check of nothing";
  EXPECT_TRUE(checks_.insert({run.target, run.generation, run.purpose}).second) << "two at once";
}

void SupervisorWorld::perform(const CancelChecks& cancel) {
  checks_.erase({cancel.target, cancel.generation, CheckPurpose::ready});
  checks_.erase({cancel.target, cancel.generation, CheckPurpose::health});
}

void SupervisorWorld::look_at(const TargetNotice& notice) {
  if (const auto memory = memory_of(notice)) memories_[memory->target] = *memory;
  if (std::holds_alternative<WantedChanged>(notice)) wanted_ = supervisor_->wanted();
  if (const auto* change = std::get_if<StateChanged>(&notice)) {
    EXPECT_EQ(change->was, states_[change->now.name]);
    states_[change->now.name] = change->now.state;
    if (change->now.state == TargetState::stopped) look_at_rest(change->now.name);
  } else if (const auto* started = std::get_if<RunStarted>(&notice)) {
    EXPECT_TRUE(runs_.insert({started->target, started->generation}).second);
  } else if (const auto* adopted = std::get_if<RunAdopted>(&notice)) {
    EXPECT_TRUE(runs_.insert({adopted->target, adopted->generation}).second);
  } else if (const auto* ended = std::get_if<RunEnded>(&notice)) {
    EXPECT_EQ(runs_.erase({ended->target, ended->generation}), 1U);
    for (const auto& [name, generation, purpose] : checks_) {
      EXPECT_FALSE(name == ended->target && generation == ended->generation) << "still checked";
    }
  } else if (const auto* removed = std::get_if<TargetRemoved>(&notice)) {
    states_.erase(removed->target);
    look_at_rest(removed->target);
  }
}

void SupervisorWorld::look_at_rest(const std::string& name) {
  for (const auto& [key, instance] : instances_) {
    const bool left = instance.launching || instance.alive || instance.ending;
    EXPECT_FALSE(key.first == name && left) << name << " generation " << key.second;
  }
}

}  // namespace banyan::leaf
