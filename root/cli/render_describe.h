#pragma once
// `banyan describe`: all that is known of one node or target. Pure.

#include <string>
#include <string_view>

#include "root/cli/json_view.h"
#include "root/cli/marks.h"

namespace banyan::cli {

// `item`: the API's node or target. `events`: its latest, newest first. `log`: ready lines.
std::string render_describe(const json::value& item, const json::array& events,
                            std::string_view log, const View& view);

}  // namespace banyan::cli
