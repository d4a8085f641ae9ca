#include "tests/sim/oracle_finally.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/base/name.h"
#include "tests/sim/places.h"

namespace banyan::sim {
namespace {

using Node = tree::Mirror::Node;

bool is_double(const NodeHost& host) { return host.name() != host.spec().name; }

// What the parent holds is what the child says itself, fact for fact.
void check_picture(const NodeHost& child, const NodeHost& parent, Findings& findings) {
  const std::string& name = child.spec().name;
  const Node* shown = parent.mirror()->find(name);
  if (shown == nullptr) return findings.add("", name + ": its parent does not list it");
  if (shown->digest() != child.mirror()->digest("")) findings.add("", name + ": digests differ");
  const auto own = child.mirror()->keys_below("");
  for (const tree::FactKey& key : own) {
    const tree::FactKey there{join_path(name, key.path), key.kind, key.id};
    const auto told = parent.mirror()->find_fact(there);
    if (!told || told->bytes != child.mirror()->find_fact(key)->bytes) {
      findings.add("", there.path + "#" + key.id + ": a fact differs at its parent");
    }
  }
  if (parent.mirror()->keys_below(name).size() != own.size()) {
    findings.add("", name + ": its parent holds more than it says");
  }
}

// Somebody else of its name, who may be dead as well by now.
bool has_double(const World& world, const NodeHost& host) {
  return std::any_of(world.hosts().begin(), world.hosts().end(), [&](const auto& each) {
    return each.second.get() != &host && each.second->spec().name == host.spec().name;
  });
}

// Who left may be forgotten, and whose name was another node's later.
bool is_forgotten(const World& world, const NodeHost& host) {
  return !host.has_left() && !has_double(world, host) && places_of(world.root(), host).empty();
}

void check_live_place(const World& world, const NodeHost& host, Findings& findings) {
  std::string up;
  std::size_t count = 0;
  const auto places = places_of(world.root(), host);
  for (const Node* place : places) {
    if (tree::state_of(*place) != tree::NodeState::up) continue;
    up += " " + place->path();
    ++count;
  }
  if (count == 0) findings.add("", host.name() + ": lives, and is nowhere up at the root");
  if (count > 1) findings.add("R5", host.name() + ": is up at" + up);
  if (count == 1 && places.size() > 1) {
    findings.add("R5", fmt::format("{}: is listed at {} places", host.name(), places.size()));
  }
}

void check_targets(const World& world, const NodeHost& host, Findings& findings) {
  for (const Node* place : places_of(world.root(), host)) {
    if (tree::state_of(*place) != tree::NodeState::up) continue;
    for (const leaf::TargetStatus& status : host.leaf()->supervisor().statuses()) {
      const auto shown = place->target(status.name);
      const bool same = shown && shown->generation() == status.generation;
      if (!same)
        findings.add("", host.name() + "/" + status.name + ": another generation is shown");
    }
  }
}

}  // namespace

void check_pictures(const World& world, Findings& findings) {
  for (const auto& [name, host] : world.hosts()) {
    if (!host->runs() || host->uplink() == nullptr || is_orphaned(world, *host)) continue;
    const NodeHost& parent = world.host(world.parent_of(name));
    if (!host->uplink()->connected()) {
      findings.add("", name + ": has no parent");
    } else if (parent.runs()) {
      check_picture(*host, parent, findings);
    }
  }
}

void check_places(const World& world, Findings& findings) {
  for (const auto& [name, host] : world.hosts()) {
    const bool judged = host->spec().role != "root" && !is_double(*host);
    if (!judged || (host->runs() && is_orphaned(world, *host))) continue;
    if (host->runs()) {
      check_live_place(world, *host, findings);
      if (host->leaf() != nullptr) check_targets(world, *host, findings);
    } else if (is_forgotten(world, *host)) {
      findings.add("R23", name + ": is dead, and the root does not list it");
    }
  }
}

// What was stored was said to be stored: no spool keeps anything.
void check_acknowledged(const World& world, Findings& findings) {
  for (const auto& [name, host] : world.hosts()) {
    const tree::EventOutbox* events = host->events();
    if (events == nullptr || is_orphaned(world, *host)) continue;
    const auto left = events->present().last() - events->present().acked();
    if (left == 0 && events->earlier() == 0) continue;
    findings.add("R28", fmt::format("{}: {} events and {} earlier runs are not acknowledged", name,
                                    left, events->earlier()));
  }
}

void check_finally(World& world, const Workload& workload, Findings& findings) {
  check_pictures(world, findings);
  check_places(world, findings);
  check_events(world, findings);
  check_acknowledged(world, findings);
  check_commands(world, workload, findings);
  check_readers(world, workload, findings);
}

void check_tables(const World& world, Findings& findings) {
  for (const auto& [name, host] : world.hosts()) {
    if (const tree::Router* router = host->router()) {
      if (router->requests_under_way() > 0) findings.add("R35", name + ": requests are left");
      if (router->open_streams() > 0) findings.add("R36", name + ": streams are left");
    }
    if (host->leaf() == nullptr) continue;
    if (host->leaf()->streams().size() > 0) findings.add("R36", name + ": log streams are left");
    if (host->logs().readers() > 0) findings.add("R36", name + ": log readers are left");
  }
}

}  // namespace banyan::sim
