#pragma once
// What the daemons of the nodes with children, relay and root, do alike before their loop runs.
// Main thread.

#include <functional>

#include "common/io/daemon.h"
#include "common/io/logger.h"
#include "common/io/picture_log.h"
#include "common/tree/mirror.h"

namespace banyan::io {

struct BranchStart {
  tree::NodeConfig config;
  const tree::Identity& identity;
  const StateDir& state_dir;
  const Invocation& invocation;
  const v1::Handover& handover;  // of the program before this one in the same process
};

// Options, configuration, state directory, identity; then `run` with them. The exit code.
int start_branch(ConfigRole role, int argc, char** argv,
                 const std::function<int(const BranchStart&)>& run);

// Hands every part of the picture that an earlier run kept to `restore` (which returns how many
// facts it refused), and says in the log what became of it.
void restore_picture(PictureLog& picture, Logger& logger, const tree::Mirror& mirror,
                     const std::function<std::size_t(const v1::Update&)>& restore);

}  // namespace banyan::io
