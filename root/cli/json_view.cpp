#include "root/cli/json_view.h"

#include <cmath>

#include <fmt/format.h>

#include "root/cli/when.h"
#include "root/cli/words.h"

namespace banyan::cli {

namespace {

std::string indent(std::size_t depth) { return std::string(2 * depth, ' '); }

void write(const json::value& value, std::size_t depth, std::string& out) {
  const bool object = value.is_object() && !value.get_object().empty();
  const bool array = value.is_array() && !value.get_array().empty();
  if (!object && !array) {
    out += json::serialize(value);
    return;
  }
  out += object ? "{" : "[";
  std::string separator = "\n";
  const auto next = [&] {
    out += separator + indent(depth + 1);
    separator = ",\n";
  };
  if (object) {
    for (const auto& [key, element] : value.get_object()) {
      next();
      out += json::serialize(json::string(key)) + ": ";
      write(element, depth + 1, out);
    }
  } else {
    for (const auto& element : value.get_array()) {
      next();
      write(element, depth + 1, out);
    }
  }
  out += "\n" + indent(depth) + (object ? "}" : "]");
}

}  // namespace

std::optional<json::value> parse_json(std::string_view text) {
  boost::system::error_code error;
  json::value value = json::parse({text.data(), text.size()}, error);
  if (error) return std::nullopt;
  return value;
}

const json::value* member(const json::value& value, std::string_view key) {
  const json::object* object = value.if_object();
  return object ? object->if_contains({key.data(), key.size()}) : nullptr;
}

std::string text_of(const json::value& value) {
  if (const json::string* text = value.if_string()) return visible({text->data(), text->size()});
  if (value.is_number() || value.is_bool()) return json::serialize(value);
  return {};
}

std::string text_at(const json::value& value, std::string_view key) {
  const json::value* found = member(value, key);
  return found ? text_of(*found) : std::string();
}

std::optional<double> number_at(const json::value& value, std::string_view key) {
  const json::value* found = member(value, key);
  if (found == nullptr || !found->is_number()) return std::nullopt;
  return found->to_number<double>();
}

std::int64_t integer_at(const json::value& value, std::string_view key) {
  const double number = number_at(value, key).value_or(0);
  return std::isfinite(number) && std::abs(number) < 9e18 ? static_cast<std::int64_t>(number) : 0;
}

bool flag_at(const json::value& value, std::string_view key) {
  const json::value* found = member(value, key);
  return found != nullptr && found->is_bool() && found->get_bool();
}

const json::array& array_at(const json::value& value, std::string_view key) {
  static const json::array none;
  const json::value* found = member(value, key);
  return found && found->is_array() ? found->get_array() : none;
}

const json::value& object_at(const json::value& value, std::string_view key) {
  static const json::value none = json::object();
  const json::value* found = member(value, key);
  return found && found->is_object() ? *found : none;
}

std::optional<WallTime> time_at(const json::value& value, std::string_view key) {
  return parse_rfc3339(text_at(value, key));
}

std::string age_at(const json::value& value, std::string_view key, WallTime now) {
  const auto time = time_at(value, key);
  return time ? short_duration(now - *time) : "-";
}

std::string pretty(const json::value& value) {
  std::string out;
  write(value, 0, out);
  return out + "\n";
}

}  // namespace banyan::cli
