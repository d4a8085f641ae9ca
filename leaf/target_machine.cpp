// The part of the target's machine that hears of events.

#include "leaf/target_machine.h"

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "common/base/check.h"

namespace banyan::leaf {
namespace {

bool may_pass(int error_number) {
  return error_number == EAGAIN || error_number == ENOMEM || error_number == EMFILE ||
         error_number == ENFILE;
}

}  // namespace

TargetMachine::TargetMachine(TargetOrigin origin)
    : config_(std::move(origin.config)),
      wanted_(origin.wanted),
      random_(origin.seed),
      pace_(origin.pace),
      checks_(config_),
      usage_(config_) {
  CHECK(!config_.command.empty() && pace_ != nullptr);
  status_.name = config_.name;
  status_.generation = origin.generation;
}

void TargetMachine::begin(Now now, SupervisorEffects& effects) {
  if (status_.state != TargetState::pending) return;  // adopted or resumed
  plan_.plan(config_.schedule, now);
  if (!wanted_) {
    enter(TargetState::stopped, now, effects);
  } else if (config_.schedule) {
    enter(TargetState::pending, now, effects);
  } else {
    begin_instance(now, effects);
  }
}

void TargetMachine::handle(const ProcessEvent& event, Now now, SupervisorEffects& effects) {
  std::visit([&](const auto& kind) { on(kind, now, effects); }, event);
}

void TargetMachine::handle(const CheckEvent& event, Now now, SupervisorEffects& effects) {
  if (const auto* result = std::get_if<CheckResult>(&event)) {
    on(checks_.handle(*result), now, effects);
    return;
  }
  const auto& said = std::get<Notified>(event);
  const bool ending = status_.state == TargetState::stopping &&
                      stop_step_ == StopPhase::terminating &&
                      said.generation == status_.generation && said.extend_ms > 0;
  if (ending) kill_at_ = std::max(kill_at_, after(now.time, extension_of(said)));
  on(checks_.handle(said, now), now, effects);
}

void TargetMachine::handle(const TargetUsage& usage, Now now, SupervisorEffects& effects) {
  if (status_.state == TargetState::running) on(usage_.handle(usage, now.time), now, effects);
}

void TargetMachine::on(const Launched& event, Now now, SupervisorEffects& effects) {
  if (!launching_ || event.generation != status_.generation) return;  // late
  launching_ = false;
  alive_ = true;
  launched_at_ = now.time;
  ready_at_ = never;
  status_.pid = event.pid;
  effects.notice(RunStarted{config_.name, event.generation, event.pid});
  if (status_.state == TargetState::stopping) {
    terminate(now, effects);
    return;
  }
  const auto verdict = checks_.begin(event.generation, now, effects);
  if (verdict.kind == CheckVerdict::Kind::none) {
    effects.notice(StateChanged{status_.state, status_});  // it has a process now
  }
  on(verdict, now, effects);
}

void TargetMachine::on(const LaunchFailed& event, Now now, SupervisorEffects& effects) {
  if (!launching_ || event.generation != status_.generation) return;  // late
  launching_ = false;
  effects.notice(LaunchRefused{config_.name, event.generation, event.error_number, event.text});
  if (status_.state == TargetState::stopping) {
    stop_step_ = StopPhase::ending;
    finish_stop(now, effects);
  } else if (may_pass(event.error_number)) {
    status_.error = event.text;
    try_again(history_.after_refusal(config_, now.time, random_), now, effects);
  } else {
    fail(event.text, now, effects);
  }
}

LastExit TargetMachine::exit_of(const ProcessExited& event, WallTime at, Duration ran) {
  return {event.code,
          event.signal,
          event.core,
          at,
          event.unknown,
          event.oom,
          ran / milliseconds{1},
          {event.user_ms, event.system_ms, event.max_rss_bytes}};
}

void TargetMachine::on(const ProcessExited& event, Now now, SupervisorEffects& effects) {
  if (event.generation != status_.generation) return on_expected_end(event, now, effects);
  CHECK(!launching_);
  if (!alive_) return;  // told twice
  alive_ = false;
  ran_ = ready_at_ == never ? Duration::zero() : now.time - ready_at_;
  status_.pid = 0;
  status_.last_exit = exit_of(event, event.at.value_or(now.wall), now.time - launched_at_);
  effects.notice(RunEnded{config_.name, event.generation, *status_.last_exit});
  checks_.end(effects);
  usage_.end();
  show_checks(effects);
  end_subtree(effects);
  if (status_.state == TargetState::starting) {
    auto why = "ended before it was ready: " + describe_exit(*status_.last_exit);
    waiting_.settle_all(answer_of(OutcomeKind::failed, std::move(why)), effects.outcomes);
    after_run(now, effects);
  } else if (status_.state == TargetState::running) {
    after_run(now, effects);
  } else if (status_.state == TargetState::stopping) {
    stop_step_ = StopPhase::ending;
  }
}

void TargetMachine::on(const SubtreeGone& event, Now now, SupervisorEffects& effects) {
  if (ending_.erase(event.generation) == 0) return;  // told twice
  if (event.unkillable > 0) {
    unkillable_ = std::max(unkillable_, event.unkillable);
    main_stuck_ = event.generation == status_.generation;
    effects.notice(SubtreeStuck{config_.name, event.generation, event.unkillable});
  }
  if (status_.state == TargetState::stopping) {
    finish_stop(now, effects);
  } else if (status_.state == TargetState::backing_off && is_retry_due(now.time)) {
    retry(now, effects);
  }
}

void TargetMachine::on(const CheckVerdict& verdict, Now now, SupervisorEffects& effects) {
  switch (verdict.kind) {
    case CheckVerdict::Kind::none:
      show_checks(effects);
      break;
    case CheckVerdict::Kind::ready:
      checks_.watch(now);
      usage_.begin(status_.generation, now.time);
      show_checks(effects);
      ready_at_ = now.time;
      enter(TargetState::running, now, effects);
      waiting_.settle_running(answer_of(OutcomeKind::done, {}), effects.outcomes);
      break;
    case CheckVerdict::Kind::late:
    case CheckVerdict::Kind::unhealthy:
    case CheckVerdict::Kind::silent:
    case CheckVerdict::Kind::over_limit:
      show_checks(effects);
      end_instance(verdict, now, effects);
      break;
  }
}

void TargetMachine::time_reached(Now now, SupervisorEffects& effects) {
  if (plan_.due(config_.schedule, now)) run_by_schedule(now, effects);
  if (usage_.time_reached(now.time)) effects.samples.push_back(config_.name);
  on(checks_.time_reached(now, effects), now, effects);
  if (status_.state == TargetState::backing_off && is_retry_due(now.time)) {
    retry(now, effects);
  } else if (status_.state == TargetState::stopping) {
    continue_stop(now, effects);
  } else if (held_ && now.time >= hold_until_) {
    hold_until_ = never;
    waiting_.settle_all(answer_of(OutcomeKind::failed, hold_), effects.outcomes);
  }
}

Time TargetMachine::next_deadline() const {
  const auto planned = wanted_ && !closing() ? plan_.next_deadline() : never;
  switch (status_.state) {
    case TargetState::pending:
      return std::min(planned, held_ && !waiting_.empty() ? hold_until_ : never);
    case TargetState::backing_off:
      return std::min(planned, ending_.size() < max_ending ? retry_at_ : never);
    case TargetState::starting:
    case TargetState::running:
      return std::min({planned, checks_.next_deadline(), usage_.next_deadline()});
    case TargetState::stopping:
      return std::min(planned,
                      stop_step_ == StopPhase::terminating ? std::min(step_at_, kill_at_) : never);
    case TargetState::stopped:
    case TargetState::exited:
    case TargetState::failed:
      return planned;
  }
  return never;
}

bool TargetMachine::satisfies() const {
  if (status_.state == TargetState::running) return true;
  const auto& exit = status_.last_exit;
  return status_.state == TargetState::exited && exit &&
         is_success(config_, exit->code, exit->signal);
}

bool TargetMachine::gone() const {
  switch (status_.state) {
    case TargetState::pending:
    case TargetState::starting:
    case TargetState::running:
    case TargetState::stopping:
    case TargetState::backing_off:
      return false;
    case TargetState::stopped:
    case TargetState::exited:
    case TargetState::failed:
      return ending_.empty();
  }
  return false;
}

void TargetMachine::show_checks(SupervisorEffects& effects) {
  const auto& health = checks_.health();
  const bool news = health && status_.health && *health != *status_.health;
  const bool first = news && *status_.health == Health::unknown && *health == Health::healthy;
  const auto said = checks_.status_text();
  const bool same = health == status_.health && checks_.health_text() == status_.health_text &&
                    said == status_.status_text;
  if (same) return;
  status_.health = health;
  status_.health_text = checks_.health_text();
  status_.status_text = said;
  if (news && !first) {
    effects.notice(HealthChanged{config_.name, status_.generation, *health, status_.health_text});
  }
  effects.notice(SaidStatus{config_.name});
}

void TargetMachine::want(bool wanted, SupervisorEffects& effects) {
  if (wanted_ == wanted) return;
  wanted_ = wanted;
  effects.notice(WantedChanged{config_.name, wanted});
}

}  // namespace banyan::leaf
