#pragma once
// What `banyan run [options] -- COMMAND ARGUMENTS` asks of the leaf. Pure.

#include <string>
#include <vector>

#include "root/cli/outcome.h"

namespace banyan::cli {

struct RunSettings {
  bool help = false;
  std::vector<std::string> sets;  // key=value, for the leaf's --set, without its state_dir
};

// The help of the verb.
std::string run_help();

// `words` without the verb. The command may follow without "--" when it does not begin with '-'.
Outcome<RunSettings> parse_run(const std::vector<std::string>& words);

}  // namespace banyan::cli
