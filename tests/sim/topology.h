#pragma once
// Who is in a simulated world, and who may be whose parent. Plain values.

#include <cstdint>
#include <string>
#include <vector>

namespace banyan::sim {

struct NodeSpec {
  std::string host;                  // unique in the world
  std::string name;                  // as the node calls itself: the host, but for a double
  std::string role;                  // "leaf" "relay" "root"
  std::vector<std::string> parents;  // hosts, the preferred one first
  std::vector<std::string> targets;  // leaf
  bool disk = true;                  // keeps its attach number and what is wanted over a restart
  std::uint64_t instance = 0;        // 0 = one of its own
};
using Topology = std::vector<NodeSpec>;

// Root, two relays, one relay below them, six leaves with two or three parents each; two leaves and
// the relays keep nothing over a restart.
Topology method_topology();
// A tree of `nodes` nodes, each inner one with up to `fanout` children; who has none is a leaf.
Topology tree_topology(unsigned fanout, unsigned nodes);
// A chain of relays, with one leaf at its end, `levels` below the root.
Topology deep_topology(unsigned levels);
// All leaves at the root.
Topology flat_topology(unsigned leaves);

}  // namespace banyan::sim
