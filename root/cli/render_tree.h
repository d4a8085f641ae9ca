#pragma once
// `banyan tree`: the rows of tree_rows.h drawn with lines. Pure.

#include <string>

#include "root/cli/tree_rows.h"

namespace banyan::cli {

std::string render_tree(const json::value& top, const TreeOptions& options, const View& view);
// One path per line, as `-o name`.
std::string tree_names(const json::value& top);

}  // namespace banyan::cli
