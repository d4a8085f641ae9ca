#include "tests/sim/oracle_always.h"

#include <algorithm>

#include <fmt/format.h>

#include "tests/sim/places.h"

namespace banyan::sim {
namespace {

constexpr std::size_t max_under_way = 64;  // more than any scenario asks for at a time
constexpr std::size_t pictures = 4;
constexpr Duration slack = seconds{1};  // delays of frames, and of this very question

// A hop finds a death within its timeout; one that cannot tell it upward is found dead itself.
Duration limit(const NodeHost& host) { return 2 * host.timeout() + slack; }

}  // namespace

// Counted from the last moment at which anybody between the dead one and the root began or woke.
void AlwaysOracle::check_dead(const NodeHost& host) {
  const auto [since, fresh] = dead_since_.try_emplace(host.name(), world_.now());
  if (fresh || !world_.root().runs() || world_.root().frozen()) return;
  if (has_living_double(world_, host)) return;
  Time from = since->second;
  for (const auto& [name, other] : world_.hosts()) {
    if (other->runs() && other->downlink() != nullptr) {
      from = std::max(from, world_.settled_since(name));
    }
  }
  if (world_.now() - from <= limit(host)) return;
  for (const tree::Mirror::Node* place : places_of(world_.root(), host)) {
    if (tree::state_of(*place) == tree::NodeState::up) {
      found("", host.name() + " is shown up at " + place->path() + " though it is dead");
    }
  }
}

void AlwaysOracle::check_tables(const NodeHost& host) {
  const tree::Router* router = host.router();
  if (router == nullptr) return;
  if (router->requests_under_way() > max_under_way)
    found("R35", host.name() + ": requests pile up");
  if (router->open_streams() > max_under_way) found("R36", host.name() + ": streams pile up");
}

void AlwaysOracle::check_verdicts(const NodeHost& host) {
  if (host.downlink() == nullptr) return;
  for (const auto& [name, child] : host.downlink()->children()) {
    const bool up = child.liveness.state() == tree::Liveness::State::up;
    if (up && !child.liveness.verified()) found("R17", name + ": is up before it is verified");
  }
}

// Of a node that moves there may be a picture at each of its parents for a while.
void AlwaysOracle::check_memory(const NodeHost& host, std::size_t said) {
  if (host.mirror() == nullptr || host.mirror()->fact_count() <= pictures * said) return;
  found("", fmt::format("{}: holds {} facts, though all together say {}", host.name(),
                        host.mirror()->fact_count(), said));
}

void AlwaysOracle::check() {
  std::size_t said = 0;  // by all: its own fact, the link to it, its targets
  for (const auto& [name, host] : world_.hosts()) said += 2 + host->spec().targets.size();
  for (const auto& [name, host] : world_.hosts()) {
    check_tables(*host);
    check_verdicts(*host);
    check_memory(*host, said);
    if (host->runs()) {
      dead_since_.erase(name);
    } else {
      check_dead(*host);
    }
  }
}

Findings AlwaysOracle::findings() const {
  Findings findings;
  for (const auto& [text, rule] : found_) findings.add(rule, text);
  for (const auto& [name, host] : world_.hosts()) {
    const std::string& wrong = host->machine().wrong();
    if (!wrong.empty()) findings.add("", name + ": " + wrong);
  }
  return findings;
}

}  // namespace banyan::sim
