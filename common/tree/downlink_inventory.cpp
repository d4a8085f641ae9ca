// The part of Downlink that tells a node which lost its memory whom it knew, and takes what is
// told.

#include "common/base/name.h"
#include "common/tree/downlink.h"
#include "common/tree/inventory.h"

namespace banyan::tree {

void Downlink::send_inventory(const std::string& name, std::vector<v1::Inventory> parts,
                              Turn& turn) {
  for (v1::Inventory& part : parts) {
    v1::Frame frame;
    *frame.mutable_inventory() = std::move(part);
    send(name, std::move(frame), turn);
  }
}

// False: nobody is known below the one who is not known to stand somewhere else.
bool Downlink::hand_over(const Mirror::Node& from, const Mirror::Node& to, Turn& turn) {
  if (from.children().empty()) return false;
  auto parts = inventory_of(mirror_, from.path());
  if (parts.front().nodes_size() == 0) return false;
  const std::string place = to.path();
  for (v1::Inventory& part : parts) {
    prefix_paths(part, place);
    on_inventory(part, false, turn);
  }
  return true;
}

void Downlink::on_inventory(const v1::Inventory& part, bool own, Turn& turn) {
  std::map<std::string, v1::Inventory> further;
  for (const v1::NodeFacts& facts : part.nodes()) {
    const auto [first, rest] = split_first(facts.path());
    const Child* child = find(std::string(first));
    if (child != nullptr && child->in_session()) {
      if (!child->inventory) continue;
      v1::NodeFacts& below = *further[child->name].add_nodes();
      below = facts;
      below.set_path(std::string(rest));
    } else if (own) {
      take_known(facts, turn);
    }
  }
  for (auto& [name, inventory] : further) {
    std::vector<v1::Inventory> one;
    one.push_back(std::move(inventory));
    send_inventory(name, std::move(one), turn);
  }
}

// What was said by the children themselves is newer, and stays.
void Downlink::take_known(const v1::NodeFacts& facts, Turn& turn) {
  const std::string first(split_first(facts.path()).first);
  if (!first.empty() && find(first) == nullptr) return;
  for (const v1::Fact& fact : facts.facts()) {
    const bool is_link = fact.kind() == v1::FACT_KIND_LINK;
    const FactKey key{facts.path(), fact.kind(), fact.id()};
    if (mirror_.find_fact(key) || (first.empty() && !is_link)) continue;
    const bool full = first.empty() && children_.size() >= options_.max_children;
    const std::string& writer = first.empty() ? identity_.instance : facts.instance();
    if (full || !mirror_.set(key, writer, fact.value(), turn.changes)) continue;
    if (first.empty()) know_again(fact.id(), *mirror_.find(fact.id())->link(), turn);
  }
}

}  // namespace banyan::tree
