#include "leaf/handover.h"

#include <algorithm>

#include "leaf/target_facts.h"

namespace banyan::leaf {
namespace {

std::int64_t ns_of(Time time) { return time == never ? 0 : time.time_since_epoch().count(); }

Time time_of(std::int64_t ns) { return ns == 0 ? never : Time{std::chrono::nanoseconds{ns}}; }

void hold_exit(const LastExit& exit, v1::HeldTarget& held) {
  v1::LastExit& wire = *held.mutable_last_exit();
  wire.set_code(exit.code);
  wire.set_signal(exit.signal);
  wire.set_core(exit.core);
  wire.set_at_ms(wall_ms(exit.at));
  wire.set_oom(exit.oom);
  held.set_last_exit_unknown(exit.unknown);
}

LastExit exit_of(const v1::HeldTarget& held) {
  const v1::LastExit& wire = held.last_exit();
  return {
      wire.code(), wire.signal(), wire.core(), wall_from_ms(wire.at_ms()), held.last_exit_unknown(),
      wire.oom()};
}

TargetPosition position_of(const v1::HeldTarget& held) {
  TargetPosition position;
  position.memory = {held.name(), held.generation(), held.restarts(), {}};
  if (held.has_last_exit()) position.memory.last_exit = exit_of(held);
  position.state = state_of(held.state());
  position.error = held.error();
  position.since = wall_from_ms(held.since_ms());
  position.ready_at = time_of(held.ready_ns());
  position.retry_at = time_of(held.retry_ns());
  position.failures = held.failures();
  for (const auto ns : held.restarts_at_ns()) position.restarts_at.push_back(time_of(ns));
  return position;
}

}  // namespace

void hold_positions(const std::vector<TargetPosition>& positions, v1::Handover& handover) {
  for (const TargetPosition& position : positions) {
    v1::HeldTarget& held = *handover.add_targets();
    held.set_name(position.memory.target);
    held.set_generation(position.memory.generation);
    held.set_restarts(position.memory.restarts);
    if (position.memory.last_exit) hold_exit(*position.memory.last_exit, held);
    held.set_state(wire_state(position.state));
    held.set_since_ms(wall_ms(position.since));
    held.set_error(position.error);
    held.set_ready_ns(ns_of(position.ready_at));
    held.set_retry_ns(ns_of(position.retry_at));
    held.set_failures(position.failures);
    for (const Time at : position.restarts_at) held.add_restarts_at_ns(ns_of(at));
  }
}

void add_positions(const v1::Handover& handover, Legacy& legacy) {
  for (const v1::HeldTarget& held : handover.targets()) {
    TargetPosition position = position_of(held);
    for (AdoptedRun& run : legacy.runs) {
      if (run.target != held.name() || run.generation != held.generation()) continue;
      run.known = true;
      run.starting = position.state == TargetState::starting;
      run.changed = run.changed || position.state == TargetState::stopping;
    }
    legacy.memories.push_back(position.memory);
    legacy.positions.push_back(std::move(position));
  }
}

}  // namespace banyan::leaf
