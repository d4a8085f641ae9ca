#pragma once
// The keys of a target that say what its process is given: env_file user group groups nice
// io_class oom_score_adj no_new_privs stdin pass_output limits on_start on_exit. What can be known
// to be wrong before the first launch is a problem here: an unknown user, an env_file that cannot
// be read.

#include "common/base/result.h"
#include "common/io/config_reader.h"
#include "leaf/process_config.h"

namespace banyan::leaf::io {

// Asks `reader` for those keys. Looks into the host's user database and at env_file.
void read_process(banyan::io::ConfigReader& reader, banyan::io::ConfigProblems& problems,
                  ProcessConfig& out);

// "best-effort:3", "idle", "realtime"
Result<IoPriority> io_priority_of(const banyan::io::TomlValue& value);
// 1024, "64MiB", "unlimited", "1024:4096" (soft:hard)
Result<ResourceLimit> limit_of(ResourceKind kind, const banyan::io::TomlValue& value);

}  // namespace banyan::leaf::io
