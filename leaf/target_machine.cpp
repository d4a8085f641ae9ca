#include "leaf/target_machine.h"

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "common/base/check.h"
#include "common/base/units.h"

namespace banyan::leaf {
namespace {

bool may_pass(int error_number) {
  return error_number == EAGAIN || error_number == ENOMEM || error_number == EMFILE ||
         error_number == ENFILE;
}

}  // namespace

TargetMachine::TargetMachine(TargetConfig config, bool wanted, std::uint64_t seed)
    : config_(std::move(config)), wanted_(wanted), random_(seed) {
  CHECK(!config_.command.empty());
  status_.name = config_.name;
}

void TargetMachine::begin(Now now, SupervisorEffects& effects) {
  if (status_.state != TargetState::pending) return;  // adopted
  if (wanted_) {
    launch(now, effects);
  } else {
    enter(TargetState::stopped, now, effects);
  }
}

void TargetMachine::remember(const TargetMemory& memory) {
  CHECK(status_.state == TargetState::pending);
  status_.generation = memory.generation;
  status_.restarts = memory.restarts;
  status_.last_exit = memory.last_exit;
}

void TargetMachine::adopt(const AdoptedRun& run, Now now, SupervisorEffects& effects) {
  CHECK(status_.state == TargetState::pending);
  status_.generation = run.generation;
  status_.pid = run.pid;
  alive_ = true;
  launched_at_ = std::min(run.started, now.time);
  effects.notice(RunAdopted{config_.name, run.generation, run.pid});
  enter(TargetState::running, now, effects);
  if (wanted_ && !run.changed) return;
  again_ = wanted_;
  begin_stop(now, effects);
}

void TargetMachine::handle(const ProcessEvent& event, Now now, SupervisorEffects& effects) {
  std::visit([&](const auto& kind) { on(kind, now, effects); }, event);
}

void TargetMachine::on(const Launched& event, Now now, SupervisorEffects& effects) {
  if (!launching_ || event.generation != status_.generation) return;  // late
  launching_ = false;
  alive_ = true;
  launched_at_ = now.time;
  status_.pid = event.pid;
  effects.notice(RunStarted{config_.name, event.generation, event.pid});
  if (status_.state == TargetState::stopping) {
    terminate(now, effects);
    return;
  }
  enter(TargetState::running, now, effects);
  waiting_.settle_running(answer_of(OutcomeKind::done, {}), effects.outcomes);
}

void TargetMachine::on(const LaunchFailed& event, Now now, SupervisorEffects& effects) {
  if (!launching_ || event.generation != status_.generation) return;  // late
  launching_ = false;
  effects.notice(LaunchRefused{config_.name, event.generation, event.error_number, event.text});
  if (status_.state == TargetState::stopping) {
    stop_step_ = StopStep::ending;
    finish_stop(now, effects);
  } else if (may_pass(event.error_number)) {
    status_.error = event.text;
    try_again(history_.after_refusal(config_, now.time, random_), now, effects);
  } else {
    fail(event.text, now, effects);
  }
}

void TargetMachine::on(const ProcessExited& event, Now now, SupervisorEffects& effects) {
  if (event.generation != status_.generation) return;  // late
  CHECK(!launching_);
  if (!alive_) return;  // told twice
  alive_ = false;
  status_.pid = 0;
  status_.last_exit =
      LastExit{event.code, event.signal, event.core, event.at.value_or(now.wall), event.unknown};
  const auto ran = std::chrono::duration_cast<milliseconds>(now.time - launched_at_).count();
  effects.notice(RunEnded{config_.name, event.generation, *status_.last_exit, ran});
  end_subtree(effects);
  if (status_.state == TargetState::running) {
    after_run(now, effects);
  } else if (status_.state == TargetState::stopping) {
    stop_step_ = StopStep::ending;
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
    ++status_.restarts;
    launch(now, effects);
  }
}

void TargetMachine::time_reached(Now now, SupervisorEffects& effects) {
  if (status_.state == TargetState::backing_off && is_retry_due(now.time)) {
    ++status_.restarts;
    launch(now, effects);
  }
  const bool late = status_.state == TargetState::stopping && stop_step_ == StopStep::terminating &&
                    now.time >= kill_at_;
  if (!late) return;
  stop_step_ = StopStep::ending;
  effects.process(SignalProcess{config_.name, status_.generation, signal_kill, true});
  end_subtree(effects);
}

void TargetMachine::shut_down(Now now, SupervisorEffects& effects) {
  closing_ = true;
  waiting_.supersede(RequestVerb::stop,
                     answer_of(OutcomeKind::rejected, "superseded by the leaf's shutdown"),
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

Time TargetMachine::next_deadline() const {
  switch (status_.state) {
    case TargetState::backing_off:
      return ending_.size() < max_ending ? retry_at_ : never;
    case TargetState::stopping:
      return stop_step_ == StopStep::terminating ? kill_at_ : never;
    case TargetState::pending:
    case TargetState::starting:
    case TargetState::running:
    case TargetState::stopped:
    case TargetState::exited:
    case TargetState::failed:
      return never;
  }
  return never;
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

void TargetMachine::enter(TargetState state, Now now, SupervisorEffects& effects) {
  const auto was = status_.state;
  const bool has_error = state == TargetState::failed || state == TargetState::backing_off;
  status_.state = state;
  status_.since = now.wall;
  if (!has_error) status_.error.clear();
  if (state != TargetState::backing_off) status_.next_try.reset();
  effects.notice(StateChanged{was, status_});
}

void TargetMachine::launch(Now now, SupervisorEffects& effects) {
  CHECK(!launching_ && !alive_ && !closing_);
  ++status_.generation;
  launching_ = true;
  again_ = false;
  enter(TargetState::starting, now, effects);
  effects.process(Launch{config_.name, status_.generation, config_});
}

void TargetMachine::begin_stop(Now now, SupervisorEffects& effects) {
  unkillable_ = 0;
  main_stuck_ = false;
  const bool nothing_left = !launching_ && !alive_ && ending_.empty();
  if (!nothing_left) enter(TargetState::stopping, now, effects);
  stop_step_ = launching_ ? StopStep::launching : StopStep::ending;
  if (alive_) {
    terminate(now, effects);
  } else {
    finish_stop(now, effects);
  }
}

// A stopped (SIGSTOP) process would not hear the signal before it goes on.
void TargetMachine::terminate(Now now, SupervisorEffects& effects) {
  stop_step_ = StopStep::terminating;
  kill_at_ = after(now.time, config_.stop_timeout);
  const auto generation = status_.generation;
  effects.process(SignalProcess{config_.name, generation, config_.stop_signal, true});
  if (config_.stop_signal == signal_kill) return;
  effects.process(SignalProcess{config_.name, generation, signal_cont, true});
}

void TargetMachine::end_subtree(SupervisorEffects& effects) {
  if (!ending_.insert(status_.generation).second) return;  // already asked for
  effects.process(EndSubtree{config_.name, status_.generation});
}

void TargetMachine::finish_stop(Now now, SupervisorEffects& effects) {
  const bool waits = launching_ || (alive_ && !main_stuck_) || !ending_.empty();
  if (waits) return;
  if (unkillable_ > 0) {
    fail(fmt::format("{} process{} of generation {} cannot be killed", unkillable_,
                     unkillable_ == 1 ? "" : "es", status_.generation),
         now, effects);
  } else if (again_ && !closing_) {
    launch(now, effects);
  } else {
    enter(TargetState::stopped, now, effects);
    waiting_.settle_stopped(answer_of(OutcomeKind::done, {}), effects.outcomes);
  }
}

void TargetMachine::after_run(Now now, SupervisorEffects& effects) {
  const auto& exit = *status_.last_exit;
  if (wants_restart(config_, exit.code, exit.signal)) {
    const auto ran = now.time - launched_at_;
    try_again(history_.after_run(config_, now.time, ran, random_), now, effects);
    return;
  }
  want(false, effects);  // it has done what was wanted of it
  enter(TargetState::exited, now, effects);
}

void TargetMachine::try_again(RestartHistory::Decision decision, Now now,
                              SupervisorEffects& effects) {
  if (!decision.allowed) {
    auto text = fmt::format("restarted {} times within {}", config_.max_restarts.count,
                            exact_duration(config_.max_restarts.period));
    if (status_.last_exit) text += "; last " + describe_exit(*status_.last_exit);
    effects.notice(GaveUp{config_.name, text});
    fail(std::move(text), now, effects);
    return;
  }
  const bool at_once = decision.delay == Duration::zero() && ending_.size() < max_ending;
  if (at_once) {
    ++status_.restarts;
    launch(now, effects);
    return;
  }
  retry_at_ = after(now.time, decision.delay);
  status_.next_try = now.wall + std::chrono::ceil<milliseconds>(decision.delay);
  enter(TargetState::backing_off, now, effects);
  effects.notice(BackingOff{config_.name, decision.delay, history_.count()});
}

void TargetMachine::fail(std::string text, Now now, SupervisorEffects& effects) {
  status_.error = text;
  enter(TargetState::failed, now, effects);
  waiting_.settle_all(answer_of(OutcomeKind::failed, std::move(text)), effects.outcomes);
}

bool TargetMachine::is_retry_due(Time now) const {
  return now >= retry_at_ && ending_.size() < max_ending;
}

void TargetMachine::want(bool wanted, SupervisorEffects& effects) {
  if (wanted_ == wanted) return;
  wanted_ = wanted;
  effects.notice(WantedChanged{config_.name, wanted});
}

}  // namespace banyan::leaf
