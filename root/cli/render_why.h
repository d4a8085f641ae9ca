#pragma once
// `why`: the way to a node, link by link, with the evidence of each verdict. `ping`: the round trip
// of every hop. Pure.

#include <string>

#include "root/cli/json_view.h"
#include "root/cli/marks.h"

namespace banyan::cli {

// The nodes from the top to the one asked for. Links that are up are one line; the others, and the
// last, tell their evidence.
std::string render_why(const json::array& way, const View& view);
std::string render_ping(const json::value& answer);

}  // namespace banyan::cli
