#pragma once
// Small whole files, and what else of the file system is needed at start. All of it waits for the
// disk; none of it is for the hot path. Any thread.

#include <cstdint>
#include <string>

#include "common/base/result.h"

namespace banyan::io {

// Refused above `max_bytes`.
Result<std::string> read_file(const std::string& path, std::size_t max_bytes = 16U << 20);
// Written beside, fsync'ed, renamed, the directory fsync'ed: either the old or the new content
// survives a crash. Mode 0600.
Status write_file_atomically(const std::string& path, const std::string& content);
// Creates all that is missing, with mode 0700. Fine when it is there.
Status make_directory(const std::string& path);
// From the kernel's random source.
std::uint64_t random_number();
// "No such file or directory (ENOENT)"
std::string error_text(int error_number);

}  // namespace banyan::io
