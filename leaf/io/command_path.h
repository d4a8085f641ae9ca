#pragma once
// Which file a command's first word means, as execvp would have it.

#include <string>

#include <tl/expected.hpp>

namespace banyan::leaf {

// `name` with a '/' is returned as it is. Else the first executable file of that name in the
// directories of `path` (relative ones start from `directory`, empty = the leaf's own). The error
// is an errno: ENOENT, or EACCES when there is only one that may not be executed.
tl::expected<std::string, int> find_program(const std::string& name, const std::string& path,
                                            const std::string& directory);

}  // namespace banyan::leaf
