#pragma once
// From the configuration's [security] to links with keys. At start, and on HUP for the list of
// admitted keys. Reads files. Without keys in the configuration nothing is done.

#include <optional>

#include "common/io/child_link.h"
#include "common/io/logger.h"
#include "common/io/parent_link.h"
#include "common/tree/command_key.h"
#include "common/tree/node_config.h"

namespace banyan::io {

using TellEvent = std::function<void(tree::OwnEvent)>;

// Before listen(). `tell`: who was enrolled, or refused to be. `logger` outlives the link. What to
// say of it at start: " key=... admits=3", or nothing without keys.
Result<std::string> protect_children(ChildLink& children, const tree::NodeConfig& config,
                                     Logger& logger, TellEvent tell);
// Before the first dial().
Status protect_parent(ParentLink& parent, const tree::NodeConfig& config);
// For commands that are given at this node; nothing without keys.
Result<std::optional<tree::CommandSigner>> command_signer(const tree::NodeConfig& config);
// A list with mistakes changes nothing. Says in the log what it did.
void reload_keys(ChildLink& children, const tree::NodeConfig& config, Logger& logger);

}  // namespace banyan::io
