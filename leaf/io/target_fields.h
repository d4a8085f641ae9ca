#pragma once
// The fields of a target that are written in a form of their own. Pure.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/io/toml_file.h"
#include "leaf/target_config.h"

namespace banyan::leaf::io {

// An array of arguments, or one string split like a shell; the program's name is never empty.
Result<std::vector<std::string>> command_of(const banyan::io::TomlValue& value);
// "100ms..30s"; one duration is the first delay.
Result<Backoff> backoff_of(const banyan::io::TomlValue& value);
// "5/1m" or "none"
Result<Intensity> intensity_of(const banyan::io::TomlValue& value);
// "TERM" or 15
Result<int> signal_of(const banyan::io::TomlValue& value);
// "022" (octal digits) or 0o022
Result<unsigned> umask_of(const banyan::io::TomlValue& value);
// ["TERM:QUIT", "HUP:0"]: what comes, and what it means; 0 = nothing.
Result<std::map<int, int>> rewrites_of(const banyan::io::TomlValue& value);
// [0, 3]
Result<std::vector<int>> exit_codes_of(const banyan::io::TomlValue& value);

}  // namespace banyan::leaf::io
