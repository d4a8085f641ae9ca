#pragma once
// `banyan status`: four calm lines, or one paragraph for each root cause. Pure.

#include <string>

#include "root/cli/json_view.h"
#include "root/cli/marks.h"

namespace banyan::cli {

// The answer of /api/v1/status.
std::string render_status(const json::value& status, const View& view);
bool has_open_outage(const json::value& status);

// `banyan status SELECTOR`: one line for each selected node and target, worst first, and a sum.
std::string render_selection(const json::array& nodes, const json::array& targets,
                             const View& view);
bool all_well(const json::array& nodes, const json::array& targets);

}  // namespace banyan::cli
