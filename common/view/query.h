#pragma once
// The target of a request line taken apart: a decoded path, and parameters with typed readers whose
// errors name the parameter. Pure. Bounds: max_parameters.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/result.h"
#include "common/base/time.h"

namespace banyan::view {

class Query {
 public:
  static constexpr std::size_t max_parameters = 64;

  Query() = default;
  // "select=a%2Fb&limit=5"; `+` is a blank. A parameter given twice counts as "first,second".
  static Result<Query> parse(std::string_view text);

  // An error names the first parameter that is not known, and the nearest that is.
  Status check_known(std::string_view known_words) const;

  const std::string* find(std::string_view name) const;
  std::string text(std::string_view name) const;  // "" when it is not given
  // "1", "true", "yes", "on" or nothing after the name; "0", "false", "no", "off".
  Result<bool> flag(std::string_view name) const;
  struct Range {
    std::int64_t low = 0;
    std::int64_t high = 0;
  };
  Result<std::optional<std::int64_t>> integer(std::string_view name, Range range) const;
  Result<std::optional<WallTime>> time(std::string_view name, WallTime now) const;
  Result<std::optional<Duration>> duration(std::string_view name) const;
  std::vector<std::string> words(std::string_view name) const;  // split at commas

 private:
  std::vector<std::pair<std::string, std::string>> list_;
};

struct RequestTargetParts {
  std::string path;  // percent-decoded
  Query query;
};
Result<RequestTargetParts> parse_request_target(std::string_view target);

std::vector<std::string> split_words(std::string_view text, char separator);

}  // namespace banyan::view
