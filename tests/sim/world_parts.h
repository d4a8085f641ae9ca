#pragma once
// The inside of a World, for its own sources.

#include <type_traits>
#include <utility>

#include "tests/sim/world.h"

namespace banyan::sim {

template <class Event>
constexpr bool is_of_leaf =
    std::is_same_v<Event, tree::LinkEvent> || std::is_same_v<Event, leaf::ProcessEvent>;

struct World::Link {  // one connection between a child and its parent
  std::string child;
  std::string parent;
  std::uint64_t parent_life = 0;
  tree::ConnId child_conn = 0;
  tree::ConnId parent_conn = 0;
  bool open = true;
  bool hung_up = false;  // by the child: what it said before still arrives
  Time up_free{};        // frames keep their order
  Time down_free{};
};

struct World::Item {  // something that will happen to `to`, unless it lives another life by then
  std::string to;
  std::uint64_t life = 0;
  std::shared_ptr<Link> link;  // frames and closings
  std::variant<tree::LinkEvent, leaf::ProcessEvent, view::StoreWrite, StoreEvent> event;
};

struct World::Node {
  NodeSpec spec;
  std::string instance;
  std::uint64_t attach = 0;  // on its disk
  std::uint64_t life = 0;    // rises with every start
  bool frozen = false;
  std::vector<Item> waiting;  // what comes while it is frozen
  std::shared_ptr<Link> uplink;
  std::unique_ptr<Machine> machine;
  Disk disk;
  Time disk_free{};  // a root's: writes keep their order
  std::variant<std::monostate, std::unique_ptr<Leaf>, std::unique_ptr<Relay>, std::unique_ptr<Root>>
      role;

  bool runs() const { return role.index() != 0; }
  Time deadline() const {
    if (const auto* leaf = std::get_if<std::unique_ptr<Leaf>>(&role))
      return (*leaf)->next_deadline();
    if (const auto* relay = std::get_if<std::unique_ptr<Relay>>(&role)) {
      return (*relay)->next_deadline();
    }
    if (const auto* root = std::get_if<std::unique_ptr<Root>>(&role))
      return (*root)->next_deadline();
    return never;
  }
};

template <class Event>
void World::handle(Node& node, Event event) {
  if (auto* leaf = std::get_if<std::unique_ptr<Leaf>>(&node.role)) {
    LeafEffects effects;
    if constexpr (is_of_leaf<Event>) (*leaf)->handle(event, now_, effects);
    perform(node, effects);
  } else if (auto* relay = std::get_if<std::unique_ptr<Relay>>(&node.role)) {
    RelayEffects effects;
    if constexpr (std::is_same_v<Event, tree::LinkEvent>) (*relay)->handle(event, now_, effects);
    perform(node, effects);
  } else if (auto* root = std::get_if<std::unique_ptr<Root>>(&node.role)) {
    RootEffects effects;
    if constexpr (!std::is_same_v<Event, leaf::ProcessEvent>) (*root)->handle(event, now_, effects);
    perform(node, effects);
  }
}

}  // namespace banyan::sim
