#include "tests/sim/topology.h"

#include <fmt/format.h>

namespace banyan::sim {
namespace {

NodeSpec root() { return {"top", "top", "root", {}, {}, true, 0}; }

NodeSpec relay(const std::string& host, std::vector<std::string> parents) {
  return {host, host, "relay", std::move(parents), {}, false, 0};
}

NodeSpec leaf(unsigned number, std::vector<std::string> parents) {
  const std::string host = fmt::format("leaf-{}", number);
  return {host, host, "leaf", std::move(parents), {"api", "worker"}, true, 0};
}

}  // namespace

Topology method_topology() {
  Topology nodes{root(), relay("r1", {"top"}), relay("r2", {"top"}), relay("r3", {"r1", "r2"})};
  nodes.push_back(leaf(0, {"r3", "r1"}));
  nodes.push_back(leaf(1, {"r1", "r2"}));
  nodes.push_back(leaf(2, {"r2", "r3"}));
  nodes.push_back(leaf(3, {"r3", "r2", "r1"}));
  nodes.push_back(leaf(4, {"r1", "r3", "r2"}));
  nodes.push_back(leaf(5, {"r3", "r2"}));
  nodes[4 + 2].disk = nodes[4 + 5].disk = false;
  return nodes;
}

Topology tree_topology(unsigned fanout, unsigned nodes) {
  Topology tree{root()};
  const unsigned inner = nodes < 2 ? 0 : (nodes - 2) / fanout;  // the last one with a child
  for (unsigned i = 1; i < nodes; ++i) {
    const std::string parent = tree[(i - 1) / fanout].host;
    tree.push_back(i <= inner ? relay(fmt::format("relay-{}", i), {parent}) : leaf(i, {parent}));
  }
  return tree;
}

Topology deep_topology(unsigned levels) {
  Topology chain{root()};
  for (unsigned i = 1; i < levels; ++i) {
    chain.push_back(relay(fmt::format("relay-{}", i), {chain.back().host}));
  }
  chain.push_back(leaf(0, {chain.back().host}));
  return chain;
}

Topology flat_topology(unsigned leaves) {
  Topology flat{root()};
  for (unsigned i = 0; i < leaves; ++i) flat.push_back(leaf(i, {"top"}));
  return flat;
}

}  // namespace banyan::sim
