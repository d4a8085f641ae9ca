// The part of the target's machine that goes on where an earlier run of the leaf ended.

#include <algorithm>

#include "common/base/check.h"
#include "leaf/target_machine.h"

namespace banyan::leaf {

void TargetMachine::remember(const TargetMemory& memory) {
  CHECK(status_.state == TargetState::pending);
  status_.generation = memory.generation;
  status_.restarts = memory.restarts;
  status_.last_exit = memory.last_exit;
}

// What was remembered at a later launch knows of it, and so does what was remembered at its end.
void TargetMachine::expect_end(const EndedRun& run) {
  CHECK(status_.state == TargetState::pending);
  const auto& last = status_.last_exit;
  const bool at_its_end = status_.generation == run.generation && last && last->at == run.ended;
  expected_[run.generation] = {run.started, status_.generation > run.generation || at_its_end};
}

// The leaf before this one was killed between the launch of the next run and its telling of this
// end. That launch was its own decision: one that was asked for waits until the end is told.
void TargetMachine::on_expected_end(const ProcessExited& event, Now now,
                                    SupervisorEffects& effects) {
  const auto expected = expected_.extract(event.generation);
  if (expected.empty()) return;  // late
  const Expected& run = expected.mapped();
  const WallTime ended = std::min(event.at.value_or(now.wall), now.wall);
  const Duration ran = now.time - (now.wall - ended) - run.started;
  const LastExit exit =
      exit_of(event, event.at.value_or(now.wall), std::max(ran, Duration::zero()));
  effects.notice(RunEnded{config_.name, event.generation, exit});
  if (run.counted) return;
  ++status_.restarts;
  status_.last_exit = exit;
  effects.notice(StateChanged{status_.state, status_, true});
}

void TargetMachine::adopt(const AdoptedRun& run, Now now, SupervisorEffects& effects) {
  CHECK(status_.state == TargetState::pending);
  status_.generation = run.generation;
  status_.pid = run.pid;
  alive_ = true;
  launched_at_ = std::min(run.started, now.time);
  ready_at_ = launched_at_;
  if (!run.known) effects.notice(RunAdopted{config_.name, run.generation, run.pid});
  if (run.starting && wanted_ && !run.changed) {
    ready_at_ = never;
    enter(TargetState::starting, now, effects);
    on(checks_.begin(run.generation, now, effects), now, effects);
    return;
  }
  checks_.resume(run.generation, now);
  usage_.begin(run.generation, now.time);
  show_checks(effects);
  enter(TargetState::running, now, effects);
  if (wanted_ && !run.changed) return;
  again_ = wanted_;
  begin_stop(now, effects);
}

void TargetMachine::resume(const TargetPosition& position, Now now, SupervisorEffects& effects) {
  history_.resume(position.failures, position.restarts_at);
  const TargetState state = position.state;
  if (alive_) {
    if (state != status_.state || position.memory.generation != status_.generation) return;
    ready_at_ = position.ready_at;
    status_.since = position.since;
    effects.notice(StateChanged{state, status_});
    return;
  }
  const bool rests = state == TargetState::backing_off || state == TargetState::stopped ||
                     state == TargetState::exited || state == TargetState::failed;
  if (!rests || status_.state != TargetState::pending) return;
  plan_.plan(config_.schedule, now);
  status_.error = position.error;
  if (state == TargetState::backing_off) {
    retry_at_ = position.retry_at;
    const auto delay = std::max(retry_at_ - now.time, Duration::zero());
    status_.next_try = now.wall + std::chrono::ceil<milliseconds>(delay);
  }
  enter(state, now, effects);
  status_.since = position.since;
}

TargetPosition TargetMachine::position() const {
  TargetPosition position;
  position.memory = {status_.name, status_.generation, status_.restarts, status_.last_exit};
  position.state = status_.state;
  position.error = status_.error;
  position.since = status_.since;
  position.ready_at = ready_at_;
  position.retry_at = retry_at_;
  position.failures = history_.count();
  position.restarts_at = history_.times();
  return position;
}

}  // namespace banyan::leaf
