#pragma once
// `banyan top`: targets and what they use, the greatest first. Pure.

#include <string>
#include <string_view>

#include "root/cli/json_view.h"
#include "root/cli/marks.h"

namespace banyan::cli {

// By "cpu", "memory" or "fds"; equal ones by path. What nobody could ask stands last.
json::array sort_by_use(json::array targets, std::string_view by);

// `most` 0 = as many as the terminal has lines, or all. The sum stands above, who did not answer
// below.
std::string render_top(const json::array& sorted, std::size_t most, const View& view);

}  // namespace banyan::cli
