// What a World is made to suffer, and what can be seen of it.

#include "common/base/name.h"
#include "tests/sim/world_parts.h"

namespace banyan::sim {

void World::crash(const std::string& name) {
  Node& crashed = node(name);
  if (!crashed.runs()) return;
  crashed.role = std::monostate{};
  crashed.waiting.clear();
  if (crashed.uplink) close(crashed.uplink, false, random_.chance(0.8));
  for (auto& [other, child] : nodes_) {
    if (child->uplink && child->uplink->parent == name) {
      close(child->uplink, random_.chance(0.8), false);
    }
  }
}

void World::restart(const std::string& name) {
  if (!node(name).runs()) boot(node(name));
}

void World::freeze(const std::string& name) {
  if (node(name).runs()) node(name).frozen = true;
}

void World::thaw(const std::string& name) {
  Node& thawed = node(name);
  if (!thawed.frozen) return;
  thawed.frozen = false;
  auto waiting = std::exchange(thawed.waiting, {});
  for (Item& item : waiting) deliver(item);
}

void World::sever(const std::string& name) {
  Node& severed = node(name);
  if (!severed.uplink) return;
  close(severed.uplink, random_.chance(0.7), random_.chance(0.7));
}

void World::kill_target(const std::string& leaf) {
  if (node(leaf).runs() && node(leaf).machine) node(leaf).machine->kill_one();
}

std::optional<tree::HttpRespond> World::ask(const std::string& method, const std::string& target,
                                            const std::string& body) {
  for (auto& [name, each] : nodes_) {
    if (!std::holds_alternative<std::unique_ptr<Root>>(each->role)) continue;
    tree::HttpRequest request;
    request.exchange = ++last_exchange_;
    request.method = method;
    request.target = target;
    request.headers = {{"host", "localhost"}, {"content-type", "application/json"}};
    request.body = body;
    handle(*each, tree::HttpEvent(request));
    const auto it = answers_.find(request.exchange);
    if (it != answers_.end()) return it->second;
  }
  return std::nullopt;
}

bool World::is_running(const std::string& name) const { return node(name).runs(); }

const Leaf* World::leaf(const std::string& name) const {
  const auto* role = std::get_if<std::unique_ptr<Leaf>>(&node(name).role);
  return role == nullptr ? nullptr : role->get();
}

const Relay* World::relay(const std::string& name) const {
  const auto* role = std::get_if<std::unique_ptr<Relay>>(&node(name).role);
  return role == nullptr ? nullptr : role->get();
}

const Root* World::root() const {
  for (const auto& [name, each] : nodes_) {
    if (const auto* role = std::get_if<std::unique_ptr<Root>>(&each->role)) return role->get();
  }
  return nullptr;
}

const Disk& World::disk(const std::string& name) const { return node(name).disk; }

const Machine* World::machine(const std::string& name) const { return node(name).machine.get(); }

std::string World::path_of(const std::string& name) const {
  const NodeSpec& spec = node(name).spec;
  return spec.parent.empty() ? "" : join_path(path_of(spec.parent), name);
}

const tree::Mirror* World::mirror_of(const std::string& name) const {
  if (const Leaf* role = leaf(name)) return &role->mirror();
  if (const Relay* role = relay(name)) return &role->mirror();
  const auto* role = std::get_if<std::unique_ptr<Root>>(&node(name).role);
  return role == nullptr ? nullptr : &(*role)->mirror();
}

}  // namespace banyan::sim
