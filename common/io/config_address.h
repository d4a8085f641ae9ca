#pragma once
// "host:port" as people write it. Pure; nothing is looked up.

#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/tree/node_config.h"

namespace banyan::io {

inline constexpr std::uint16_t default_tree_port = 7400;

// "10.0.0.1:7400", "host", "[::1]:7400", "::1"; without a port the default tree port.
Result<tree::Address> parse_address(std::string_view text);

// True for localhost, 127.0.0.0/8 and ::1. Other names are not: where they lead is not known here.
bool is_loopback(std::string_view host);

}  // namespace banyan::io
