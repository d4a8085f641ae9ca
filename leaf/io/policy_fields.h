#pragma once
// The keys of a target that say what is done with it: ready start_timeout health restart_on
// watchdog depends strategy strategy_group schedule stop_signal stop_timeout. Pure.

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/base/result.h"
#include "common/io/config_reader.h"
#include "leaf/target_config.h"

namespace banyan::leaf::io {

// Asks `reader` for those keys. What `depends` names is looked at later: resolve_depends().
void read_policy(banyan::io::ConfigReader& reader, banyan::io::ConfigProblems& problems,
                 TargetConfig& out);

struct StopSequence {
  int first = 15;
  std::vector<StopStep> more;
};
// "TERM", 15, or ["INT", "2s", "TERM"]: signals, and pauses between them.
Result<StopSequence> stop_sequence_of(const banyan::io::TomlValue& value);
// 8080, "8080", "db:5432"
Result<std::pair<std::string, std::uint16_t>> tcp_address_of(const banyan::io::TomlValue& value);
// "http://127.0.0.1:8080/healthz"; also without scheme, or ":8080/healthz". Fills host, port, path.
Result<CheckConfig> http_check_of(const banyan::io::TomlValue& value);

}  // namespace banyan::leaf::io
