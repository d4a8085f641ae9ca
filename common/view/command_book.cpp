#include "common/view/command_book.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "common/base/check.h"
#include "common/base/name.h"

namespace banyan::view {
namespace {

std::string bytes_of_hex(std::string_view hex) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1]));
  }
  return bytes;
}

std::string hex_of_bytes(std::string_view bytes) {
  std::string hex;
  for (const char c : bytes) hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return hex;
}

std::string instance_of(const tree::Mirror::Node& node) {
  const auto fact = node.fact();
  if (fact && !fact->instance().empty()) return fact->instance();
  const auto link = node.link();
  return link ? link->instance() : std::string();
}

v1::Boot boot_of(const tree::Mirror::Node& node) {
  const auto link = node.link();
  return link ? link->boot() : v1::Boot();
}

std::string break_text(const tree::Mirror::Node& broken) {
  return broken.path() + " is " + tree::name_of(tree::state_of(broken));
}

CommandTarget fixed_target(const tree::TargetRef& ref, bool group) {
  const v1::TargetFact fact = ref.fact();
  CommandTarget target;
  target.node = ref.node->path();
  target.target = group && !fact.group().empty() ? fact.group() : ref.name;
  target.instance = instance_of(*ref.node);
  target.boot = boot_of(*ref.node);
  if (!group) target.generation = fact.generation();
  if (const auto* broken = tree::break_above(*ref.node)) {
    target.outcome = v1::OUTCOME_KIND_UNREACHABLE;
    target.reason = break_text(*broken);
  }
  return target;
}

std::vector<CommandTarget> targets_of(const CommandAsk& ask, const tree::Selection& selection) {
  if (ask.verb == "forget") return gone_nodes(selection);
  std::vector<CommandTarget> targets;
  for (const auto& ref : selection.targets)
    targets.push_back(fixed_target(ref, ask.verb == "scale"));
  return targets;
}

bool is_final(v1::OutcomeKind kind) {
  return kind != v1::OUTCOME_KIND_UNSPECIFIED && kind != v1::OUTCOME_KIND_IN_DOUBT;
}

}  // namespace

std::vector<CommandTarget> gone_nodes(const tree::Selection& selection) {
  std::vector<CommandTarget> gone;
  const tree::Mirror::Node* last = nullptr;
  for (const tree::Mirror::Node* node : selection.nodes) {
    const bool is_gone =
        node->link_state() == v1::LINK_STATE_LOST || node->link_state() == v1::LINK_STATE_LEFT;
    if (!is_gone) continue;
    if (last != nullptr && node->path().starts_with(last->path() + "/")) continue;
    last = node;
    CommandTarget& target = gone.emplace_back();
    target.node = node->path();
    target.instance = node->link()->instance();
    if (const auto* broken = tree::break_above(*node->parent())) {
      target.outcome = v1::OUTCOME_KIND_UNREACHABLE;
      target.reason = break_text(*broken);
    }
  }
  return gone;
}

bool is_command_id(std::string_view text) {
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return text.size() == 32 && std::all_of(text.begin(), text.end(), is_hex);
}

std::string CommandBook::new_id() {
  std::string id;
  do {
    id = fmt::format("{:016x}{:016x}", random_.next(), random_.next());
  } while (by_id_.contains(id));
  return id;
}

bool CommandBook::make_room() {
  if (by_id_.size() < max_commands) return true;
  for (auto it = by_number_.begin(); it != by_number_.end(); ++it) {
    if (!by_id_.at(it->second).finished()) continue;
    by_id_.erase(it->second);
    by_number_.erase(it);
    return true;
  }
  return false;
}

Result<const Command*> CommandBook::create(CommandAsk ask, const tree::Selection& selection,
                                           Now now) {
  if (!make_room()) {
    return failure("too many commands", {}, "1000 are running", "wait until some are finished");
  }
  if (ask.id.empty()) ask.id = new_id();
  Command command;
  command.ask = std::move(ask);
  command.number = ++last_number_;
  command.created = now.wall;
  command.deadline = after(now.time, milliseconds{command.ask.ttl_ms} + grace);
  for (CommandTarget& target : targets_of(command.ask, selection)) {
    const auto path = join_path(target.node, target.target);
    if (!command.places.emplace(path, command.targets.size()).second) continue;
    if (is_final(target.outcome)) ++command.answered;
    command.targets.push_back(std::move(target));
  }
  if (command.finished()) {
    command.ended = now.wall;
  } else if (command.ask.rollout.max_parallel > 0) {
    begin_rollout(command);
  }
  const std::string id = command.ask.id;
  keep(std::move(command));
  return find(id);
}

void CommandBook::keep(Command command) {
  const bool by_deadline = !command.finished() && !command.rollout;
  if (by_deadline) running_[{command.deadline, command.number}] = command.ask.id;
  by_number_[command.number] = command.ask.id;
  const auto [it, fresh] = by_id_.emplace(command.ask.id, std::move(command));
  CHECK(fresh);
}

v1::Request CommandBook::request_for(const Command& command) const {
  v1::Request request;
  auto& told = *request.mutable_command();
  told.set_id(bytes_of_hex(command.ask.id));
  told.set_verb(command.ask.verb);
  told.set_selector(command.ask.select);
  told.set_signal(command.ask.signal);
  told.set_instances(command.ask.instances);
  told.set_issuer(command.ask.issuer);
  told.set_epoch(epoch_);
  told.set_sequence(command.number);
  told.set_issued_ms(wall_ms(command.created));
  told.set_max_age_ms(command.ask.ttl_ms);
  request.set_ttl_ms(command.ask.ttl_ms);
  for (std::size_t i = 0; i < command.targets.size(); ++i) {
    const CommandTarget& target = command.targets[i];
    if (is_final(target.outcome) || (command.rollout && !command.rollout->is_begun(i))) continue;
    auto& routed = *request.add_targets();
    routed.set_path(target.node);
    routed.set_target(target.target);
    routed.set_instance(target.instance);
    routed.set_generation(target.generation);
  }
  return request;
}

const Command* CommandBook::find(const std::string& id) const {
  const auto it = by_id_.find(id);
  return it == by_id_.end() ? nullptr : &it->second;
}

std::vector<const Command*> CommandBook::newest_first() const {
  std::vector<const Command*> list;
  for (auto it = by_number_.rbegin(); it != by_number_.rend(); ++it)
    list.push_back(find(it->second));
  return list;
}

// True when it was changed after it had been final.
bool CommandBook::settle(Command& command, CommandTarget& target, const v1::Outcome& outcome) {
  const bool was_final = is_final(target.outcome);
  if (!is_final(outcome.kind())) {
    target.in_doubt = target.in_doubt || !was_final;
    if (!was_final) target.reason = outcome.reason();
    return false;
  }
  const bool improves =
      target.outcome == v1::OUTCOME_KIND_UNKNOWN && outcome.kind() != v1::OUTCOME_KIND_UNKNOWN;
  if (was_final && !improves) return false;
  target.outcome = outcome.kind();
  target.reason = outcome.reason();
  if (outcome.generation() != 0) target.generation = outcome.generation();
  target.pid = outcome.pid();
  target.in_doubt = false;
  target.late = was_final;
  if (!was_final) ++command.answered;
  return was_final;
}

std::vector<std::string> CommandBook::on_outcomes(const v1::Outcomes& outcomes, Now now) {
  const auto it = by_id_.find(hex_of_bytes(outcomes.id()));
  if (it == by_id_.end()) return {};  // forgotten, or never ours
  Command& command = it->second;
  const bool was_finished = command.finished();
  for (const auto& outcome : outcomes.outcomes()) {
    const auto place = command.places.find(join_path(outcome.path(), outcome.target()));
    if (place == command.places.end()) continue;
    CommandTarget& target = command.targets[place->second];
    if (settle(command, target, outcome)) improved_ = command.ask.id;
    if (target.in_doubt && doubtful_.insert(command.ask.id).second) {
      ask_at_ = std::min(ask_at_, now.time);
    }
  }
  if (was_finished || !command.finished()) return {};
  command.ended = now.wall;
  running_.erase({command.deadline, command.number});
  rolling_.erase(command.ask.id);
  return {command.ask.id};
}

void CommandBook::give_up(Command& command, CommandTarget& target, Now now) {
  target.outcome = v1::OUTCOME_KIND_UNKNOWN;
  if (target.reason.empty()) target.reason = "no answer within the time given";
  // Handed to somebody who stands still, say: whether it ran can still be asked.
  target.in_doubt = true;
  ++command.answered;
  doubtful_.insert(command.ask.id);
  ask_at_ = std::min(ask_at_, now.time);
}

std::vector<std::string> CommandBook::on_time(Now now) {
  std::vector<std::string> finished;
  while (!running_.empty() && running_.begin()->first.first <= now.time) {
    Command& command = by_id_.at(running_.begin()->second);
    for (auto& target : command.targets) {
      if (!is_final(target.outcome)) give_up(command, target, now);
    }
    command.ended = now.wall;
    running_.erase(running_.begin());
    finished.push_back(command.ask.id);
  }
  return finished;
}

Time CommandBook::next_deadline() const {
  Time next = std::min(ask_at_, running_.empty() ? never : running_.begin()->first.first);
  for (const std::string& id : rolling_) {
    const Command& command = by_id_.at(id);
    const Time own = command.rollout->next_deadline();
    next = std::min(next, own == never ? command.deadline : own);
  }
  return next;
}

std::vector<v1::OutcomeAsk> CommandBook::doubts(const tree::Mirror& mirror, Now now) {
  std::vector<v1::OutcomeAsk> asks;
  if (now.time < ask_at_) return asks;
  std::erase_if(doubtful_, [&](const std::string& id) {
    const auto it = by_id_.find(id);
    if (it == by_id_.end() || now.time > it->second.deadline + ask_until) return true;
    return !ask_about(it->second, mirror, asks);
  });
  ask_at_ = doubtful_.empty() ? never : after(now.time, ask_every);
  return asks;
}

// False: nothing of it is in doubt any more.
bool CommandBook::ask_about(Command& command, const tree::Mirror& mirror,
                            std::vector<v1::OutcomeAsk>& asks) {
  constexpr int most = 500;  // targets in one frame
  const std::string id = bytes_of_hex(command.ask.id);
  bool any = false;
  for (std::size_t i = 0; i < command.targets.size(); ++i) {
    const CommandTarget& target = command.targets[i];
    if (!target.in_doubt) continue;
    any = true;
    for (const tree::Mirror::Node* place : mirror.places_of(target.instance)) {
      if (tree::state_of(*place) != tree::NodeState::up) continue;
      command.places[join_path(place->path(), target.target)] = i;  // it may have moved
      const bool fits = !asks.empty() && asks.back().id() == id &&
                        asks.back().targets(0).path() == place->path() &&
                        asks.back().targets_size() < most;
      v1::OutcomeAsk& ask = fits ? asks.back() : asks.emplace_back();
      ask.set_id(id);
      *ask.mutable_boot() = target.boot;
      v1::RequestTarget& asked = *ask.add_targets();
      asked.set_path(place->path());
      asked.set_target(target.target);
      asked.set_instance(target.instance);
    }
  }
  return any;
}

}  // namespace banyan::view
