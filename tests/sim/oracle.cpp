#include "tests/sim/oracle.h"

namespace banyan::sim {
namespace {

const tree::Downlink* downlink_of(const World& world, const std::string& name) {
  if (const Relay* relay = world.relay(name)) return &relay->downlink();
  return world.is_running(name) && world.leaf(name) == nullptr ? &world.root()->downlink()
                                                               : nullptr;
}

std::string check_child(const World& world, const NodeSpec& spec) {
  const tree::Mirror* above = world.mirror_of(spec.parent);
  const tree::Mirror* own = world.mirror_of(spec.name);
  if (above == nullptr || own == nullptr) return "";
  const tree::Mirror::Node* shown = above->find(spec.name);
  if (shown == nullptr) return spec.name + ": its parent does not list it\n";
  std::string wrong;
  if (tree::state_of(*shown) != tree::NodeState::up) {
    wrong += spec.name + ": is " + tree::name_of(tree::state_of(*shown)) + "\n";
  }
  if (shown->digest != own->digest("")) wrong += spec.name + ": digests differ\n";
  for (const tree::FactKey& key : own->keys_below("")) {
    tree::FactKey there = key;
    there.path = spec.name + (key.path.empty() ? "" : "/" + key.path);
    const tree::FactValue* told = above->find_fact(there);
    if (told == nullptr || told->bytes != own->find_fact(key)->bytes) {
      wrong += there.path + "#" + key.id + ": a fact differs\n";
    }
  }
  return wrong;
}

}  // namespace

std::string check_pictures(const World& world) {
  std::string wrong;
  for (const NodeSpec& spec : world.specs()) {
    if (!spec.parent.empty()) wrong += check_child(world, spec);
  }
  return wrong;
}

std::string check_targets(const World& world) {
  std::string wrong;
  for (const NodeSpec& spec : world.specs()) {
    const Leaf* leaf = world.leaf(spec.name);
    if (leaf == nullptr) continue;
    if (world.machine(spec.name)->doubled()) wrong += spec.name + ": a target runs twice\n";
    const tree::Mirror::Node* shown = world.root()->mirror().find(world.path_of(spec.name));
    for (const leaf::TargetStatus& status : leaf->supervisor().statuses()) {
      const bool there = shown != nullptr && shown->targets.contains(status.name);
      if (!there || shown->targets.at(status.name).generation() != status.generation) {
        wrong += spec.name + "/" + status.name + ": the root shows another generation\n";
      }
    }
  }
  return wrong;
}

std::string check_nothing_repaired(const World& world) {
  std::string wrong;
  for (const NodeSpec& spec : world.specs()) {
    const tree::Downlink* downlink = downlink_of(world, spec.name);
    if (downlink == nullptr) continue;
    const auto& counters = downlink->counters();
    if (counters.transfers_asked != 0) wrong += spec.name + ": repaired\n";
    if (counters.frame_gaps != 0) wrong += spec.name + ": missed a frame\n";
    if (counters.protocol_errors != 0) wrong += spec.name + ": found a protocol error\n";
    if (counters.who_are_you != 0) wrong += spec.name + ": met a stranger\n";
    if (counters.refusals != 0) wrong += spec.name + ": refused somebody\n";
  }
  return wrong;
}

std::string check_events(const World& world) {
  const Disk& store = world.disk(world.specs().front().name);
  std::string wrong = store.check_store();
  for (const NodeSpec& spec : world.specs()) {
    for (const auto& [stream, last] : world.disk(spec.name).produced()) {
      const auto found = store.stored().find(stream);
      const auto upto = found == store.stored().end() ? 0 : found->second;
      if (upto == last) continue;
      wrong += spec.name + ": " + std::to_string(upto) + " of " + std::to_string(last) +
               " events are stored\n";
    }
  }
  return wrong;
}

}  // namespace banyan::sim
