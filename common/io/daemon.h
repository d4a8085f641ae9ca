#pragma once
// What every daemon's main does before its role exists: options, configuration, state directory,
// identity. Called once, on the main thread, before the loop.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "banyan/v1/handover.pb.h"
#include "common/base/result.h"
#include "common/io/config.h"
#include "common/io/program.h"
#include "common/io/state_dir.h"
#include "common/tree/turn.h"

namespace banyan::io {

struct DaemonOptions {
  std::string config;             // file; empty = none
  std::vector<std::string> sets;  // key=value
  bool check = false;
  std::string dump_log;   // a leaf's: the folder of a target's log; empty = not asked for
  Invocation invocation;  // as this program was called
};

// An exit code when there is nothing more to do: --help, --version (0), or bad usage (2, said on
// stderr).
struct ParsedOptions {
  DaemonOptions options;
  std::optional<int> exit_code;
};
ParsedOptions parse_daemon_options(ConfigRole role, int argc, char** argv);

// Prints every problem and how many there were; 78. With --check and no problem: says so; 0.
// Nothing when the daemon is to start.
std::optional<int> settle_configuration(const ConfigProblems& problems,
                                        const DaemonOptions& options);

// What the program before this one in the same process left (USR2); empty when there was none.
// Once, and before anything else is opened.
v1::Handover read_handover();

// Who this node is: instance and attach from the state directory, boot of this process.
Result<tree::Identity> make_identity(ConfigRole role, const tree::NodeConfig& config,
                                     StateDir& state_dir);

// "banyan-leaf: cannot ...: why; hint" on stderr; returns 1.
int fail_start(ConfigRole role, const Error& error);

}  // namespace banyan::io
