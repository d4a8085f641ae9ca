#pragma once
// All sources of a configuration merged into one table whose values still know where they stand:
// files in order, then BANYAN_KEY and BANYAN_SECTION__KEY from the environment, then --set.
// A later source wins; tables merge key by key; arrays of tables (`[[targets]]`) are joined.

#include <string>

#include "common/io/config_input.h"
#include "common/io/toml_file.h"

namespace banyan::io {

// Never of configuration: they name a target's socket, the CLI's root, ...
bool is_reserved_variable(const std::string& name);

// True when the value came from the environment: such a key, when unknown, is no mistake (other
// programs may use the prefix).
bool is_from_environment(const ConfigPlace& place);

TomlValue merge_config(const ConfigInput& input, ConfigProblems& problems);

}  // namespace banyan::io
