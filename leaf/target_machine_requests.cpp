// The part of the target's machine that answers requests.

#include <fmt/format.h>

#include "common/base/units.h"
#include "leaf/target_machine.h"

namespace banyan::leaf {

void TargetMachine::handle(const TargetRequest& request, Now now, SupervisorEffects& effects) {
  switch (request.verb) {
    case RequestVerb::start:
      start(request, now, effects);
      break;
    case RequestVerb::stop:
      stop(request, now, effects);
      break;
    case RequestVerb::restart:
      restart(request, now, effects);
      break;
    case RequestVerb::signal:
      signal(request, effects);
      break;
    case RequestVerb::scale:
      answer(request, OutcomeKind::rejected, "not a group of instances", effects);
      break;
  }
}

std::string TargetMachine::obstacle() const {
  if (closing()) return closing_;
  if (waiting_.full()) return "too many requests wait for this target";
  if (status_.state == TargetState::failed && alive_) return status_.error;
  const bool stopping = status_.state == TargetState::stopping;
  if (!stopping && ending_.size() >= max_ending) return "earlier generations are being ended";
  return {};
}

void TargetMachine::start(const TargetRequest& request, Now now, SupervisorEffects& effects) {
  if (auto why = obstacle(); !why.empty()) {
    answer(request, OutcomeKind::rejected, std::move(why), effects);
    return;
  }
  want(true, effects);
  waiting_.supersede(request.verb, answer_of(OutcomeKind::rejected, "superseded by start"),
                     effects.outcomes);
  if (status_.state == TargetState::running) {
    answer(request, OutcomeKind::done, "already running", effects);
    return;
  }
  waiting_.add(request, status_.generation);
  switch (status_.state) {
    case TargetState::stopping:
      again_ = true;
      break;
    case TargetState::starting:
    case TargetState::running:
      break;
    case TargetState::pending:
    case TargetState::stopped:
    case TargetState::backing_off:
    case TargetState::exited:
    case TargetState::failed:
      history_.forget();
      begin_instance(now, effects);
      break;
  }
}

void TargetMachine::stop(const TargetRequest& request, Now now, SupervisorEffects& effects) {
  if (waiting_.full()) {
    answer(request, OutcomeKind::rejected, "too many requests wait for this target", effects);
    return;
  }
  want(false, effects);
  waiting_.supersede(request.verb, answer_of(OutcomeKind::rejected, "superseded by stop"),
                     effects.outcomes);
  if (status_.state == TargetState::stopped) {
    answer(request, OutcomeKind::done, "already stopped", effects);
    return;
  }
  again_ = false;
  failure_.clear();
  waiting_.add(request, status_.generation);
  if (status_.state != TargetState::stopping) begin_stop(now, effects);
}

void TargetMachine::restart(const TargetRequest& request, Now now, SupervisorEffects& effects) {
  if (auto why = obstacle(); !why.empty()) {
    answer(request, OutcomeKind::rejected, std::move(why), effects);
    return;
  }
  const auto seen = request.seen_generation;
  const bool is_newer = seen != 0 && status_.generation > seen;
  if (is_newer && status_.state == TargetState::starting) {
    waiting_.add(request, seen);
    return;
  }
  if (is_newer) {
    answer(request, OutcomeKind::done, fmt::format("already generation {}", status_.generation),
           effects);
    return;
  }
  want(true, effects);
  waiting_.supersede(request.verb, answer_of(OutcomeKind::rejected, "superseded by restart"),
                     effects.outcomes);
  waiting_.add(request, status_.generation);
  history_.forget();
  switch (status_.state) {
    case TargetState::starting:
    case TargetState::running:
      again_ = true;
      begin_stop(now, effects);
      break;
    case TargetState::stopping:
      again_ = true;
      break;
    case TargetState::pending:
    case TargetState::stopped:
    case TargetState::backing_off:
    case TargetState::exited:
    case TargetState::failed:
      begin_instance(now, effects);
      break;
  }
}

void TargetMachine::signal(const TargetRequest& request, SupervisorEffects& effects) {
  if (request.signal < 1 || request.signal > signal_max) {
    answer(request, OutcomeKind::rejected, fmt::format("no such signal: {}", request.signal),
           effects);
    return;
  }
  if (!alive_) {
    answer(request, OutcomeKind::rejected,
           fmt::format("not running, but {}", state_name(status_.state)), effects);
    return;
  }
  effects.process(SignalProcess{config_.name, status_.generation, request.signal, false});
  answer(request, OutcomeKind::done, {}, effects);
}

void TargetMachine::answer(const TargetRequest& request, OutcomeKind kind, std::string reason,
                           SupervisorEffects& effects) const {
  effects.outcomes.push_back(
      Outcome{request.token, kind, std::move(reason), status_.generation, status_.pid});
}

WaitingRequests::Answer TargetMachine::answer_of(OutcomeKind kind, std::string reason) const {
  return WaitingRequests::Answer{kind, std::move(reason), status_.generation, status_.pid};
}

}  // namespace banyan::leaf
