// The part of CommandBook that carries commands out in batches.

#include <algorithm>

#include <fmt/format.h>

#include "common/base/name.h"
#include "common/tree/places.h"
#include "common/view/command_book.h"

namespace banyan::view {
namespace {

using Seen = Rollout::Seen;

bool is_answered(const CommandTarget& target) {
  return target.outcome != v1::OUTCOME_KIND_UNSPECIFIED &&
         target.outcome != v1::OUTCOME_KIND_IN_DOUBT;
}

const tree::Mirror::Node* place_of(const tree::Mirror& mirror, const CommandTarget& target) {
  const tree::Mirror::Node* best = nullptr;
  for (const auto* place : mirror.places_of(target.instance)) {
    if (best == nullptr || tree::beats(*place, *best)) best = place;
  }
  return best;
}

std::optional<v1::TargetFact> fact_of(const tree::Mirror& mirror, const CommandTarget& target) {
  const auto* node = place_of(mirror, target);
  return node == nullptr ? std::nullopt : node->target(target.target);
}

// It runs, and nobody who looks at it finds it ill; or it has done what it had to do.
bool is_ready(const tree::Mirror& mirror, const CommandTarget& target) {
  const auto* node = place_of(mirror, target);
  const auto fact = fact_of(mirror, target);
  if (!fact || tree::break_above(*node) != nullptr) return false;
  if (fact->generation() < target.generation) return false;  // told of an earlier run
  if (fact->state() == v1::TARGET_STATE_EXITED) return !fact->wanted();
  const bool well =
      fact->health() == v1::HEALTH_UNSPECIFIED || fact->health() == v1::HEALTH_HEALTHY;
  return fact->state() == v1::TARGET_STATE_RUNNING && well;
}

Seen seen(const tree::Mirror& mirror, const Command& command, const CommandTarget& target) {
  if (!is_answered(target)) return Seen::waiting;
  if (target.outcome != v1::OUTCOME_KIND_DONE) return Seen::failed;
  if (command.ask.verb == "stop") return Seen::ready;
  return is_ready(mirror, target) ? Seen::ready : Seen::not_ready;
}

void reject_left(Command& command, const std::string& why) {
  for (const std::size_t i : command.rollout->take_left()) {
    CommandTarget& target = command.targets[i];
    target.outcome = v1::OUTCOME_KIND_REJECTED;
    target.reason = why;
    ++command.answered;
  }
}

std::string why_stopped(const Rollout& rollout) {
  return fmt::format("not tried: {} failed before it, and stop_after_failures is {}",
                     rollout.failures(), rollout.limits().stop_after);
}

}  // namespace

void CommandBook::begin_rollout(Command& command) {
  command.rollout.emplace(command.ask.rollout, milliseconds{command.ask.ttl_ms});
  for (std::size_t i = 0; i < command.targets.size(); ++i) {
    if (!is_answered(command.targets[i])) command.rollout->add(i);
  }
  rolling_.insert(command.ask.id);
}

std::vector<CommandBatch> CommandBook::roll(const tree::Mirror& mirror, Now now,
                                            std::vector<std::string>& finished) {
  std::vector<CommandBatch> batches;
  for (auto it = rolling_.begin(); it != rolling_.end();) {
    Command& command = by_id_.at(*it);
    roll(command, mirror, now, batches);
    if (!command.finished()) {
      ++it;
      continue;
    }
    command.ended = now.wall;
    finished.push_back(*it);
    it = rolling_.erase(it);
  }
  return batches;
}

void CommandBook::roll(Command& command, const tree::Mirror& mirror, Now now,
                       std::vector<CommandBatch>& batches) {
  Rollout& rollout = *command.rollout;
  if (now.time >= command.deadline) {
    for (const std::size_t i : rollout.batch()) {
      if (!is_answered(command.targets[i])) give_up(command, command.targets[i], now);
    }
  }
  const auto see = [&](std::size_t i) { return seen(mirror, command, command.targets[i]); };
  const Rollout::Step step = rollout.step(see, now.time);
  for (const std::size_t i : step.unready) {
    command.targets[i].reason = fmt::format("not ready again within {} ms", command.ask.ttl_ms);
  }
  if (step.stop) reject_left(command, why_stopped(rollout));
  if (step.begin.empty()) return;
  for (const std::size_t i : step.begin) bring_up_to_date(command, i, mirror);
  command.deadline = after(now.time, milliseconds{command.ask.ttl_ms} + grace);
  batches.push_back({command.ask.id, request_for(command)});
}

// Since the command was made it may have been started anew, and its node as well; and the node may
// have moved. Answers from its earlier place are still known.
void CommandBook::bring_up_to_date(Command& command, std::size_t i, const tree::Mirror& mirror) {
  CommandTarget& target = command.targets[i];
  const auto* place = place_of(mirror, target);
  if (place == nullptr) return;
  target.node = place->path();
  command.places[join_path(target.node, target.target)] = i;
  if (const auto link = place->link()) target.boot = link->boot();
  if (const auto fact = place->target(target.target)) target.generation = fact->generation();
}

bool CommandBook::cancel(const std::string& id, const std::string& why) {
  if (!rolling_.contains(id)) return false;
  Command& command = by_id_.at(id);
  const std::size_t before = command.answered;
  reject_left(command, why);
  return command.answered > before;
}

}  // namespace banyan::view
