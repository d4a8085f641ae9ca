#pragma once
// The configuration of a node: from the sources (config_input.h) to plain values, with every
// problem found on the way. Used by the mains, by --check and for a reload; the same input gives
// the same answer. A configuration with problems must not be started.
//
//     auto loaded = load_node_config(ConfigRole::relay, gather_config(file, sets));
//     if (!loaded.problems.empty()) ... print each one's text, exit with exit_configuration
//
// The leaf's main calls leaf::io::load_leaf_config instead, which reads the targets as well.

#include <string_view>

#include "common/io/config_input.h"
#include "common/io/config_reader.h"
#include "common/tree/node_config.h"

namespace banyan::io {

enum class ConfigRole { root, relay, leaf };

inline constexpr int exit_configuration = 78;  // EX_CONFIG

std::string_view program_name(ConfigRole role);  // "banyan-relay"

struct LoadedConfig {
  tree::NodeConfig node;
  ConfigProblems problems;  // in the order of the sources
};

LoadedConfig load_node_config(ConfigRole role, const ConfigInput& input);

// For a reader of further keys of the same table (the leaf's): reads what every node of this role
// has, without finishing the table.
tree::NodeConfig read_node_config(ConfigReader& reader, ConfigRole role, const ConfigInput& input);

// Keys of the top table that this role refuses, with the reason.
ForeignKeys foreign_node_keys(ConfigRole role);

}  // namespace banyan::io
