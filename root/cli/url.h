#pragma once
// Where the root is, and how a request is spelled. Pure.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/result.h"

namespace banyan::cli {

inline constexpr std::string_view default_url = "http://127.0.0.1:7480";

struct Address {
  std::string base;         // "http://host:port", without a slash at the end
  std::string unix_socket;  // path; empty for TCP
  std::string shown;        // as the person wrote it
};

// http://, https:// and unix:///path; host:port gets http://.
Result<Address> parse_address(std::string_view text);

using Query = std::vector<std::pair<std::string, std::string>>;

// "/api/v1/targets?select=a%2Fb": parameters with empty values are left out.
std::string with_query(std::string_view path, const Query& query);
std::string percent_encode(std::string_view text, std::string_view keep = {});

// The `select` parameter: selectors joined with commas, then " -l label" for each label.
std::string join_selectors(const std::vector<std::string>& selectors,
                           const std::vector<std::string>& labels);

}  // namespace banyan::cli
