#pragma once
// Which requests a browser could have been tricked into sending: decided by the Host and Origin
// headers alone. Pure.

#include <string>
#include <string_view>
#include <vector>

namespace banyan::io {

struct Authority {  // "[::1]:7480" -> {"::1", "7480"}; lower case, no brackets
  std::string host;
  std::string port;
};
Authority split_authority(std::string_view text);

// localhost, *.localhost, 127.0.0.0/8, ::1 and what is listed (as "host" or "host:port").
bool is_allowed_host(std::string_view header, const std::vector<std::string>& allowed);

// True when the Origin header names another place than the Host header ("null" does).
bool is_foreign_origin(std::string_view origin, std::string_view host);

}  // namespace banyan::io
