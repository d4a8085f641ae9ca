#pragma once
// Tolerant reading of the API's JSON: a missing or odd member is empty, never an error. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json.hpp>

#include "common/base/time.h"

namespace banyan::cli {

namespace json = boost::json;

// Nothing when the text is not one JSON value.
std::optional<json::value> parse_json(std::string_view text);

const json::value* member(const json::value& value, std::string_view key);
// Strings as they are with control bytes made visible, numbers and booleans as text, else "".
std::string text_of(const json::value& value);
std::string text_at(const json::value& value, std::string_view key);
std::optional<double> number_at(const json::value& value, std::string_view key);
std::int64_t integer_at(const json::value& value, std::string_view key);  // 0 when absent
bool flag_at(const json::value& value, std::string_view key);
const json::array& array_at(const json::value& value, std::string_view key);  // empty when absent
const json::value& object_at(const json::value& value, std::string_view key);
std::optional<WallTime> time_at(const json::value& value, std::string_view key);
// The age of a time member, "-" when absent.
std::string age_at(const json::value& value, std::string_view key, WallTime now);

// Two blanks per level; empty containers on one line; ends with a newline.
std::string pretty(const json::value& value);

}  // namespace banyan::cli
