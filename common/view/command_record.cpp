// A command as a store keeps it, and back.

#include <algorithm>

#include "banyan/v1/store.pb.h"
#include "common/base/name.h"
#include "common/view/command_book.h"

namespace banyan::view {
namespace {

CommandTarget target_of(const v1::StoredOutcome& stored) {
  CommandTarget target;
  target.node = stored.node();
  target.target = stored.target();
  target.instance = stored.instance();
  target.boot = stored.boot();
  target.generation = stored.generation();
  target.outcome = stored.outcome();
  target.reason = stored.reason();
  target.pid = stored.pid();
  target.in_doubt = stored.in_doubt();
  target.late = stored.late();
  return target;
}

v1::StoredOutcome record_of(const CommandTarget& target) {
  v1::StoredOutcome stored;
  stored.set_node(target.node);
  stored.set_target(target.target);
  stored.set_instance(target.instance);
  *stored.mutable_boot() = target.boot;
  stored.set_generation(target.generation);
  stored.set_outcome(target.outcome);
  stored.set_reason(target.reason);
  stored.set_pid(target.pid);
  stored.set_in_doubt(target.in_doubt);
  stored.set_late(target.late);
  return stored;
}

// Its deadline is reckoned by the wall clock: the other one may have begun anew.
Command command_of(const v1::StoredCommand& stored, Now now) {
  Command command;
  command.ask.id = stored.id();
  command.ask.verb = stored.verb();
  command.ask.select = stored.select();
  command.ask.signal = stored.signal();
  command.ask.instances = stored.instances();
  command.ask.ttl_ms = stored.ttl_ms();
  command.ask.issuer = stored.issuer();
  command.ask.rollout = {stored.max_parallel(), stored.stop_after_failures()};
  command.number = stored.number();
  command.created = wall_from_ms(stored.created_ms());
  command.ended = wall_from_ms(stored.ended_ms());
  const Duration whole = milliseconds{stored.ttl_ms()} + CommandBook::grace;
  const Duration passed = milliseconds{wall_ms(now.wall) - stored.created_ms()};
  command.deadline = after(now.time, std::clamp(whole - passed, Duration{0}, whole));
  for (const auto& each : stored.targets()) {
    command.places[join_path(each.node(), each.target())] = command.targets.size();
    CommandTarget& target = command.targets.emplace_back(target_of(each));
    // Whether it was handed over before this root ended is not known: it is asked about.
    if (target.outcome == v1::OUTCOME_KIND_UNSPECIFIED) {
      target.in_doubt = true;
    } else {
      ++command.answered;
    }
  }
  return command;
}

bool has_doubt(const Command& command) {
  return std::any_of(command.targets.begin(), command.targets.end(),
                     [](const CommandTarget& target) { return target.in_doubt; });
}

}  // namespace

CommandRow CommandBook::row_of(const Command& command) const {
  v1::StoredCommand stored;
  stored.set_id(command.ask.id);
  stored.set_verb(command.ask.verb);
  stored.set_select(command.ask.select);
  stored.set_signal(command.ask.signal);
  stored.set_instances(command.ask.instances);
  stored.set_ttl_ms(command.ask.ttl_ms);
  stored.set_issuer(command.ask.issuer);
  stored.set_max_parallel(command.ask.rollout.max_parallel);
  stored.set_stop_after_failures(command.ask.rollout.stop_after);
  stored.set_number(command.number);
  stored.set_created_ms(wall_ms(command.created));
  stored.set_ended_ms(command.finished() ? wall_ms(command.ended) : 0);
  for (const auto& target : command.targets) *stored.add_targets() = record_of(target);
  CommandRow row;
  row.id = command.ask.id;
  row.number = command.number;
  row.created_ms = stored.created_ms();
  row.ended_ms = stored.ended_ms();
  row.verb = command.ask.verb;
  row.select = command.ask.select;
  row.issuer = command.ask.issuer;
  row.record = stored.SerializeAsString();
  return row;
}

void CommandBook::resume(const std::vector<std::string>& records, Now now) {
  for (const auto& record : records) {
    v1::StoredCommand stored;
    const bool good = stored.ParseFromString(record) && is_command_id(stored.id());
    if (!good || by_id_.contains(stored.id()) || !make_room()) continue;
    last_number_ = std::max(last_number_, stored.number());
    Command command = command_of(stored, now);
    const bool may_ask = wall_ms(now.wall) - stored.created_ms() <
                         stored.ttl_ms() + (grace + ask_until) / milliseconds{1};
    if (may_ask && has_doubt(command)) {
      doubtful_.insert(stored.id());
      ask_at_ = now.time;
    }
    keep(std::move(command));
  }
}

}  // namespace banyan::view
