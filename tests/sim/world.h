#pragma once
// A simulated world: the real roles over the real codec, in virtual time, from a seed.
//
// Connections carry frames in order with a random delay; a broken one loses everything in flight,
// and each side is told at once, later, or not at all. Nodes crash (and come back with their disk:
// instance, attach number, what is on it by disk.h, nothing else), freeze and thaw. One event at a
// time; the same seed gives the same run.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "leaf/leaf.h"
#include "relay/relay.h"
#include "root/root.h"
#include "tests/sim/disk.h"
#include "tests/sim/machine.h"

namespace banyan::sim {

struct Delay {
  Duration min = milliseconds{1};
  Duration max = milliseconds{20};
};

struct NodeSpec {
  std::string name;
  std::string role;
  std::string parent;                // by name; names are unique in the world
  std::vector<std::string> targets;  // leaf
};

class World {
 public:
  World(std::uint64_t seed, std::vector<NodeSpec> specs, Delay delay);
  ~World();

  void run_for(Duration duration);

  void crash(const std::string& name);
  void restart(const std::string& name);
  void freeze(const std::string& name);
  void thaw(const std::string& name);
  // Breaks the connection of a node to its parent, if there is one.
  void sever(const std::string& name);
  void kill_target(const std::string& leaf);

  // An HTTP exchange with the root; the answer if it came at once.
  std::optional<tree::HttpRespond> ask(const std::string& method, const std::string& target,
                                       const std::string& body = "");
  // Answers that came later, by exchange.
  const std::map<tree::ExchangeId, tree::HttpRespond>& answers() const { return answers_; }

  bool is_running(const std::string& name) const;
  const Leaf* leaf(const std::string& name) const;
  const Relay* relay(const std::string& name) const;
  const Root* root() const;
  const Disk& disk(const std::string& name) const;
  const Machine* machine(const std::string& name) const;
  const std::vector<NodeSpec>& specs() const { return specs_; }
  std::string path_of(const std::string& name) const;
  const tree::Mirror* mirror_of(const std::string& name) const;
  Random& random() { return random_; }
  Now now() const { return now_; }
  std::uint64_t frames() const { return frames_; }

 private:
  struct Node;
  struct Link;
  struct Item;

  Node& node(const std::string& name) { return *nodes_.at(name); }
  const Node& node(const std::string& name) const { return *nodes_.at(name); }
  void boot(Node& node);
  void push(Duration delay, const std::string& to, Item item);
  void deliver(Item& item);
  void step_deadlines();
  void dial(Node& node, const tree::DialParent& dial);
  void carry(Link& link, bool up, std::string bytes);
  void hang_up_link(const std::shared_ptr<Link>& link);
  void close(const std::shared_ptr<Link>& link, bool tell_child, bool tell_parent);
  void commit(Node& node, view::StoreWrite write);
  void perform(Node& node, tree::LinkEffects& effects);
  void perform(Node& node, LeafEffects& effects);
  void perform(Node& node, RelayEffects& effects);
  void perform(Node& node, RootEffects& effects);
  template <class Event>
  void handle(Node& node, Event event);

  std::vector<NodeSpec> specs_;
  Delay delay_;
  Random random_;
  Now now_;
  std::map<std::string, std::unique_ptr<Node>> nodes_;
  std::multimap<Time, Item> queue_;
  std::map<tree::ExchangeId, tree::HttpRespond> answers_;
  tree::ExchangeId last_exchange_ = 0;
  tree::ConnId last_conn_ = 0;
  std::uint64_t frames_ = 0;
};

}  // namespace banyan::sim
