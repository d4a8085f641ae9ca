#pragma once
// What somebody could have meant by a path or selector that matches nothing. Pure.

#include <string>
#include <string_view>
#include <vector>

#include "common/tree/mirror.h"
#include "common/view/answer.h"

namespace banyan::view {

// At most five paths of nodes and targets whose last name is near the text's last name, or
// contains it; sorted.
std::vector<std::string> suggest_paths(const tree::Mirror& mirror, std::string_view text);

// 404 about `text`, with candidates and a hint.
tl::unexpected<Problem> nothing_matches(const tree::Mirror& mirror, std::string what,
                                        std::string_view text);

}  // namespace banyan::view
