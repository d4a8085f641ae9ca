#pragma once
// `banyan get ...`: lists as tables, worst first. Pure.

#include <string>
#include <string_view>

#include "root/cli/json_view.h"
#include "root/cli/marks.h"

namespace banyan::cli {

// noun: nodes, targets, commands, outages; other lists get a column for each plain member. On a
// terminal a long tail of healthy rows is counted instead of shown.
std::string render_list(std::string_view noun, const json::array& items, bool wide,
                        const View& view);
// What identifies an item: its path, id, subject or name.
std::string name_of_item(const json::value& item);

}  // namespace banyan::cli
