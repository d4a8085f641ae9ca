// The part of the target's machine that ends an instance.

#include <algorithm>

#include <fmt/format.h>

#include "common/base/units.h"
#include "leaf/target_machine.h"

namespace banyan::leaf {
namespace {

constexpr int signal_abort = 6;

std::string event_kind(CheckVerdict::Kind kind) {
  switch (kind) {
    case CheckVerdict::Kind::late:
      return "start_timeout";
    case CheckVerdict::Kind::silent:
      return "watchdog";
    case CheckVerdict::Kind::over_limit:
      return "over_limit";
    case CheckVerdict::Kind::unhealthy:
    case CheckVerdict::Kind::none:
    case CheckVerdict::Kind::ready:
      return "unhealthy";
  }
  return "unhealthy";
}

}  // namespace

void TargetMachine::shut_down(const std::string& why, Now now, SupervisorEffects& effects) {
  closing_ = why;
  failure_.clear();
  waiting_.supersede(RequestVerb::stop, answer_of(OutcomeKind::rejected, "superseded: " + why),
                     effects.outcomes);
  switch (status_.state) {
    case TargetState::pending:
    case TargetState::starting:
    case TargetState::running:
    case TargetState::backing_off:
      begin_stop(now, effects);
      break;
    case TargetState::stopping:
    case TargetState::stopped:
    case TargetState::exited:
    case TargetState::failed:
      break;
  }
}

// By the supervisor's own decision: what follows is as after a run that failed.
void TargetMachine::end_instance(const CheckVerdict& verdict, Now now, SupervisorEffects& effects) {
  failure_ = verdict.reason;
  abort_ = verdict.kind == CheckVerdict::Kind::silent;
  effects.notice(InstanceFailed{config_.name, status_.generation, event_kind(verdict.kind),
                                verdict.reason, verdict.data});
  waiting_.settle_all(answer_of(OutcomeKind::failed, verdict.reason), effects.outcomes);
  begin_stop(now, effects);
}

void TargetMachine::begin_stop(Now now, SupervisorEffects& effects) {
  unkillable_ = 0;
  main_stuck_ = false;
  checks_.end(effects);
  usage_.end();
  show_checks(effects);
  const bool nothing_left = !launching_ && !alive_ && ending_.empty();
  if (!nothing_left) enter(TargetState::stopping, now, effects);
  stop_step_ = launching_ ? StopPhase::launching : StopPhase::ending;
  if (alive_) {
    terminate(now, effects);
  } else {
    finish_stop(now, effects);
  }
}

void TargetMachine::terminate(Now now, SupervisorEffects& effects) {
  const bool by_request = failure_.empty();
  if (stop_held_ && by_request) {
    stop_step_ = StopPhase::holding;
    return;
  }
  stop_step_ = StopPhase::terminating;
  kill_at_ = after(now.time, config_.stop_timeout);
  const bool abort = std::exchange(abort_, false);
  stop_index_ = 0;
  stop_more_ = abort ? std::vector<StopStep>{} : config_.stop_more;
  send_stop_signal(abort ? signal_abort : config_.stop_signal, now, effects);
}

// A stopped (SIGSTOP) process would not hear the signal before it goes on.
void TargetMachine::send_stop_signal(int signal, Now now, SupervisorEffects& effects) {
  const bool more = stop_index_ < stop_more_.size();
  step_at_ = more ? after(now.time, stop_more_[stop_index_].pause) : never;
  const bool resume = signal != signal_kill;
  effects.process(SignalProcess{config_.name, status_.generation, signal, true, resume});
}

void TargetMachine::continue_stop(Now now, SupervisorEffects& effects) {
  if (stop_step_ != StopPhase::terminating) return;
  if (now.time >= kill_at_) {
    stop_step_ = StopPhase::ending;
    effects.process(SignalProcess{config_.name, status_.generation, signal_kill, true});
    end_subtree(effects);
    return;
  }
  while (now.time >= step_at_) {
    send_stop_signal(stop_more_[stop_index_++].signal, now, effects);
  }
}

void TargetMachine::set_stop_hold(bool held, Now now, SupervisorEffects& effects) {
  stop_held_ = held;
  const bool waits = status_.state == TargetState::stopping && stop_step_ == StopPhase::holding;
  if (waits && !held) terminate(now, effects);
}

void TargetMachine::end_subtree(SupervisorEffects& effects) {
  if (!ending_.insert(status_.generation).second) return;  // already asked for
  effects.process(EndSubtree{config_.name, status_.generation});
}

void TargetMachine::finish_stop(Now now, SupervisorEffects& effects) {
  const bool waits = launching_ || (alive_ && !main_stuck_) || !ending_.empty();
  if (waits) return;
  take_next_config(now);
  if (unkillable_ > 0) {
    failure_.clear();
    fail(fmt::format("{} process{} of generation {} cannot be killed", unkillable_,
                     unkillable_ == 1 ? "" : "es", status_.generation),
         now, effects);
  } else if (again_ && !closing()) {
    begin_instance(now, effects);
  } else if (!failure_.empty()) {
    after_failure(now, effects);
  } else {
    enter(TargetState::stopped, now, effects);
    waiting_.settle_stopped(answer_of(OutcomeKind::done, {}), effects.outcomes);
  }
}

}  // namespace banyan::leaf
