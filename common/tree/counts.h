#pragma once
// How many nodes and targets of a subtree are in which state, as its root's parent sees them.
// Pure values; summed by the Mirror in O(depth) per change.

#include <array>
#include <cstdint>

#include "banyan/v1/link.pb.h"

namespace banyan::tree {

// What a node is, seen from the top: its link's state, unless something above it is not up.
enum class NodeState { up, suspect, lost, left, unreachable };
inline constexpr std::size_t node_states = 5;
inline constexpr std::size_t target_states = 9;  // v1::TargetState, 0 = unspecified

struct Counts {
  std::array<std::int64_t, node_states>
      nodes{};  // by NodeState; the subtree's own top is not in it
  std::array<std::int64_t, target_states> targets{};  // by v1::TargetState, presumed ones left out
  std::int64_t presumed = 0;   // targets whose last known state cannot be confirmed now
  std::int64_t as_wanted = 0;  // targets running when they should, or stopped or exited when not

  Counts& operator+=(const Counts& other);
  Counts& operator-=(const Counts& other);
  bool operator==(const Counts&) const = default;

  std::int64_t nodes_total() const;
  std::int64_t targets_total() const;  // presumed ones included
  // The same subtree behind a link that is not up: nodes are unreachable (left ones stay left),
  // targets are presumed.
  Counts behind_a_break() const;
};

const char* name_of(NodeState state);
const char* name_of(v1::TargetState state);  // "backing_off"; "unknown" for what this version lacks

}  // namespace banyan::tree
