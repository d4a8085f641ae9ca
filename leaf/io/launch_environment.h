#pragma once
// The environment of a target: the leaf's, then its user's HOME, USER and LOGNAME, then env_file,
// then `env`, then what banyan sets. The words by which a service manager spoke to the leaf itself
// (NOTIFY_SOCKET, LISTEN_FDS, ...) are not passed on.

#include <map>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "leaf/io/target_user.h"
#include "leaf/target_config.h"

namespace banyan::leaf {

using Environment = std::map<std::string, std::string>;

inline constexpr std::size_t env_file_bytes_max = 1 << 20;

// KEY=VALUE lines; blank ones and those that begin with # are skipped, "export " before a key too.
// A value between two equal quotes loses them; nothing is expanded. Pure. The error names a line by
// its number and never shows it: it may be a secret.
Result<Environment> parse_env_file(std::string_view text);
Result<Environment> read_env_file(const std::string& path);

Result<Environment> environment_of(const TargetConfig& config, const TargetUser& user);

std::vector<std::string> lines_of(const Environment& environment);

}  // namespace banyan::leaf
