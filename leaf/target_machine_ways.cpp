// The part of the target's machine that goes from state to state by itself.

#include <fmt/format.h>

#include "common/base/check.h"
#include "common/base/units.h"
#include "leaf/target_machine.h"

namespace banyan::leaf {

void TargetMachine::enter(TargetState state, Now now, SupervisorEffects& effects) {
  const auto was = status_.state;
  const bool has_error = state == TargetState::failed || state == TargetState::backing_off;
  held_ = false;
  status_.state = state;
  status_.since = now.wall;
  if (!has_error) status_.error.clear();
  if (state == TargetState::stopping) status_.error = failure_;
  if (state != TargetState::backing_off) status_.next_try.reset();
  const bool rests =
      state == TargetState::pending || state == TargetState::exited || state == TargetState::failed;
  if (rests && wanted_ && !closing()) status_.next_try = plan_.next_run();
  effects.notice(StateChanged{was, status_});
}

void TargetMachine::begin_instance(Now now, SupervisorEffects& effects) {
  failure_.clear();
  if (hold_.empty()) {
    launch(now, effects);
    return;
  }
  again_ = false;
  enter(TargetState::pending, now, effects);
  held_ = true;
  hold_until_ = after(now.time, config_.ready.timeout);
  status_.error = hold_;
  effects.notice(StateChanged{status_.state, status_});
}

void TargetMachine::launch(Now now, SupervisorEffects& effects) {
  CHECK(!launching_ && !alive_ && !closing());
  take_next_config(now);
  ++status_.generation;
  launching_ = true;
  again_ = false;
  enter(TargetState::starting, now, effects);
  effects.process(Launch{config_.name, status_.generation, config_});
}

void TargetMachine::set_hold(const std::string& text, Now now, SupervisorEffects& effects) {
  if (hold_ == text) return;
  hold_ = text;
  if (!held_) return;
  if (hold_.empty()) {
    launch(now, effects);
    return;
  }
  status_.error = hold_;
  effects.notice(StateChanged{status_.state, status_});
}

void TargetMachine::dependency_failed(const std::string& text, SupervisorEffects& effects) {
  if (held_) waiting_.settle_all(answer_of(OutcomeKind::failed, text), effects.outcomes);
}

void TargetMachine::restart_along(const std::string& with, Now now, SupervisorEffects& effects) {
  const bool runs = status_.state == TargetState::starting || status_.state == TargetState::running;
  if (!runs || closing()) return;
  effects.notice(RestartedAlong{config_.name, status_.generation, with});
  ++status_.restarts;
  again_ = true;
  begin_stop(now, effects);
}

void TargetMachine::run_by_schedule(Now now, SupervisorEffects& effects) {
  const bool rests = status_.state == TargetState::pending ||
                     status_.state == TargetState::stopped ||
                     status_.state == TargetState::exited || status_.state == TargetState::failed;
  const bool free = !held_ && !alive_ && ending_.size() < max_ending;
  if (!wanted_ || closing()) return;
  if (rests && free) {
    history_.forget();
    begin_instance(now, effects);
  } else {
    effects.notice(RunSkipped{config_.name, status_.state});
  }
}

void TargetMachine::after_run(Now now, SupervisorEffects& effects) {
  const auto& exit = *status_.last_exit;
  if (wants_restart(config_, exit.code, exit.signal)) {
    try_again(history_.after_run(config_, now.time, ran_, random_), now, effects);
    failed_run_ = status_.state != TargetState::failed;
    return;
  }
  if (!config_.schedule) want(false, effects);  // it has done what was wanted of it
  enter(TargetState::exited, now, effects);
}

// The instance was ended for `failure_`, and is gone.
void TargetMachine::after_failure(Now now, SupervisorEffects& effects) {
  auto reason = std::exchange(failure_, {});
  if (config_.restart == RestartPolicy::never) {
    fail(std::move(reason), now, effects);
    return;
  }
  status_.error = std::move(reason);
  try_again(history_.after_run(config_, now.time, ran_, random_), now, effects);
  failed_run_ = status_.state != TargetState::failed;
}

void TargetMachine::try_again(RestartHistory::Decision decision, Now now,
                              SupervisorEffects& effects) {
  if (!decision.allowed) {
    auto text = fmt::format("restarted {} times within {}", config_.max_restarts.count,
                            exact_duration(config_.max_restarts.period));
    if (!status_.error.empty()) {
      text += "; last " + status_.error;
    } else if (status_.last_exit) {
      text += "; last " + describe_exit(*status_.last_exit);
    }
    effects.notice(GaveUp{config_.name, status_.generation, text, config_.max_restarts.count,
                          config_.max_restarts.period, status_.last_exit});
    fail(std::move(text), now, effects);
    return;
  }
  const bool at_once = decision.delay == Duration::zero() && ending_.size() < max_ending;
  retry_at_ = at_once ? pace_->take(now.time) : after(now.time, decision.delay);
  paced_ = at_once;
  if (retry_at_ == now.time && at_once) {
    retry(now, effects);
    return;
  }
  const auto delay = retry_at_ - now.time;
  status_.next_try = now.wall + std::chrono::ceil<milliseconds>(delay);
  enter(TargetState::backing_off, now, effects);
  effects.notice(BackingOff{config_.name, delay, history_.count()});
}

void TargetMachine::retry(Now now, SupervisorEffects& effects) {
  if (!paced_) {
    paced_ = true;
    retry_at_ = pace_->take(now.time);
    if (retry_at_ > now.time) return;
  }
  ++status_.restarts;
  begin_instance(now, effects);
}

void TargetMachine::fail(std::string text, Now now, SupervisorEffects& effects) {
  status_.error = text;
  enter(TargetState::failed, now, effects);
  waiting_.settle_all(answer_of(OutcomeKind::failed, std::move(text)), effects.outcomes);
}

bool TargetMachine::is_retry_due(Time now) const {
  return now >= retry_at_ && ending_.size() < max_ending;
}

}  // namespace banyan::leaf
