// The part of the target's machine that takes a changed configuration.

#include "common/base/check.h"
#include "leaf/target_machine.h"

namespace banyan::leaf {

void TargetMachine::adopt(TargetConfig config, Now now, SupervisorEffects& effects) {
  if (next_config_) {
    next_config_ = std::move(config);
    return;
  }
  const auto before = std::exchange(config_, std::move(config));
  const bool checks_changed = before.ready != config_.ready || before.health != config_.health ||
                              before.watchdog != config_.watchdog;
  if (checks_changed) on(checks_.renew(now, effects), now, effects);
  if (before.restart_on != config_.restart_on) usage_.renew(now.time);
  if (before.schedule == config_.schedule) return;
  plan_.plan(config_.schedule, now);
  if (before.schedule) leave_schedule(now, effects);
}

// It rested between two runs, and there is no next one to wait for.
void TargetMachine::leave_schedule(Now now, SupervisorEffects& effects) {
  const bool rests =
      (status_.state == TargetState::pending && !held_) || status_.state == TargetState::exited;
  const bool free = !launching_ && !alive_ && ending_.size() < max_ending;
  if (rests && free && !config_.schedule && wanted_ && !closing()) begin_instance(now, effects);
}

void TargetMachine::take_next_config(Now now) {
  if (!next_config_ || launching_ || alive_) return;
  config_ = std::move(*next_config_);
  next_config_.reset();
  plan_.plan(config_.schedule, now);
}

void TargetMachine::replace(TargetConfig config, Now now, SupervisorEffects& effects) {
  const bool busy = launching_ || alive_;
  const bool was_scheduled = config_.schedule.has_value();
  next_config_ = std::move(config);
  take_next_config(now);
  switch (status_.state) {
    case TargetState::starting:
    case TargetState::running:
      history_.forget();
      again_ = true;
      begin_stop(now, effects);
      break;
    case TargetState::backing_off:
    case TargetState::failed:
      if (!wanted_ || busy || ending_.size() >= max_ending || closing()) break;
      history_.forget();
      begin_instance(now, effects);
      break;
    case TargetState::stopping:
      if (!failure_.empty()) again_ = true;
      failure_.clear();
      break;
    case TargetState::pending:
    case TargetState::exited:
      if (was_scheduled) leave_schedule(now, effects);
      break;
    case TargetState::stopped:
      break;
  }
}

void TargetMachine::revive(TargetConfig config, Now now, SupervisorEffects& effects) {
  CHECK(closing());
  closing_.clear();
  wanted_ = config.autostart;
  const bool resting = status_.state == TargetState::stopped ||
                       status_.state == TargetState::exited || status_.state == TargetState::failed;
  const bool again = wanted_ && !config.schedule;
  again_ = again && status_.state == TargetState::stopping;
  if (again_) {
    waiting_.supersede(RequestVerb::start,
                       answer_of(OutcomeKind::rejected, "superseded by the new configuration"),
                       effects.outcomes);
  }
  replace(std::move(config), now, effects);
  const bool free = !alive_ && ending_.size() < max_ending;
  const bool rests =
      resting && status_.state != TargetState::starting && status_.state != TargetState::pending;
  if (again && rests && free) begin_instance(now, effects);
}

}  // namespace banyan::leaf
