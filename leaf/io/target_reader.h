#pragma once
// The leaf's configuration: what every node has, and its targets (`target` with `app_name`, or
// [[targets]]). Like load_node_config of common/io/config.h: every problem is found, and a
// configuration with problems must not be started.

#include <cstdint>
#include <map>
#include <vector>

#include "common/io/config.h"
#include "leaf/command_gate.h"
#include "leaf/target_config.h"

namespace banyan::leaf::io {

struct LeafConfig {
  tree::NodeConfig node;
  std::vector<TargetConfig> targets;  // names are unique; at most 10,000
  AllowPolicy allow;
  bool keeper = true;
  std::uint64_t spill_max = 1ULL << 30;  // bytes kept while no leaf is there
  std::int64_t log_tail = -1;  // `bufsize`: lines of a log that are shown unless asked; -1 = all
  bool run = false;            // ends with its only target, and with its exit code (run_outcome.h)
  std::map<int, int> rewrite;  // `run`: signals that mean another one; 0 = nothing
  banyan::io::ConfigProblems problems;  // in the order of the sources
};

LeafConfig load_leaf_config(const banyan::io::ConfigInput& input);

}  // namespace banyan::leaf::io
