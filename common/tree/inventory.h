#pragma once
// What a node said of those below it before it lost its memory, told back to it: else whoever died
// below it would vanish with it. Who is known to stand elsewhere by now is left out. Pure.
//
// Bounds: about 32 KiB a part; the links always, everything else up to max_inventory_bytes.

#include <string>
#include <vector>

#include "common/tree/mirror.h"

namespace banyan::tree {

inline constexpr std::size_t max_inventory_bytes = 4U << 20U;

// `path`: of the node in this picture; the paths in the parts are from that node. The last part
// says so; there is always one.
std::vector<v1::Inventory> inventory_of(const Mirror& mirror, std::string_view path);
// The same parts for somebody further up: every path gets this one in front.
void prefix_paths(v1::Inventory& part, std::string_view path);

}  // namespace banyan::tree
