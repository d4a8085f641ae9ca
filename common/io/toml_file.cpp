#include "common/io/toml_file.h"

#include <algorithm>
#include <sstream>

#include <toml++/toml.h>

#include "common/base/text.h"

namespace banyan::io {
namespace {

ConfigPlace place_of(const toml::source_region& region, const ConfigPlace& base) {
  ConfigPlace place = base;
  place.line = region.begin.line;
  place.column = region.begin.column;
  return place;
}

TomlValue convert(const toml::node& node, const ConfigPlace& base);

void convert_table(const toml::table& table, TomlValue& value, const ConfigPlace& base) {
  for (const auto& [key, node] : table) {
    value.members.push_back(
        TomlMember{std::string{key.str()}, place_of(key.source(), base), convert(node, base)});
  }
  const auto position = [](const TomlMember& member) {
    return std::pair{member.key_place.line, member.key_place.column};
  };
  std::stable_sort(value.members.begin(), value.members.end(),
                   [&](const auto& a, const auto& b) { return position(a) < position(b); });
}

// A value typed in one piece has one place, also for what is nested in it.
void put_at(TomlValue& value, const ConfigPlace& place) {
  value.place = place;
  for (auto& item : value.items) put_at(item, place);
  for (auto& member : value.members) {
    member.key_place = place;
    put_at(member.value, place);
  }
}

template <class T>
std::string printed(const T& node) {
  std::ostringstream out;
  out << node;
  return out.str();
}

TomlValue convert(const toml::node& node, const ConfigPlace& base) {
  TomlValue value;
  value.place = place_of(node.source(), base);
  if (const auto* table = node.as_table()) {
    convert_table(*table, value, base);
  } else if (const auto* array = node.as_array()) {
    value.kind = TomlKind::array;
    for (const auto& item : *array) value.items.push_back(convert(item, base));
  } else if (const auto* string = node.as_string()) {
    value.kind = TomlKind::string;
    value.text = string->get();
  } else if (const auto* integer = node.as_integer()) {
    value.kind = TomlKind::integer;
    value.integer = integer->get();
    value.number = static_cast<double>(value.integer);
    value.text = std::to_string(value.integer);
  } else if (const auto* number = node.as_floating_point()) {
    value.kind = TomlKind::number;
    value.number = number->get();
    value.text = printed(*number);
  } else if (const auto* boolean = node.as_boolean()) {
    value.kind = TomlKind::boolean;
    value.boolean = boolean->get();
    value.text = value.boolean ? "true" : "false";
  } else {
    value.kind = TomlKind::date;
    node.visit([&](const auto& other) { value.text = printed(other); });
  }
  return value;
}

}  // namespace

std::string_view toml_kind_name(TomlKind kind) {
  switch (kind) {
    case TomlKind::string:
      return "a string";
    case TomlKind::integer:
      return "an integer";
    case TomlKind::number:
      return "a number";
    case TomlKind::boolean:
      return "true or false";
    case TomlKind::array:
      return "an array";
    case TomlKind::table:
      return "a table";
    case TomlKind::date:
      return "a date or time";
  }
  return "a value";
}

const TomlMember* TomlValue::find(std::string_view key) const {
  const auto member = std::find_if(members.begin(), members.end(),
                                   [key](const TomlMember& m) { return m.key == key; });
  return member == members.end() ? nullptr : &*member;
}

TomlMember* TomlValue::find(std::string_view key) {
  return const_cast<TomlMember*>(std::as_const(*this).find(key));
}

std::string TomlValue::shown() const {
  constexpr std::size_t most = 60;
  switch (kind) {
    case TomlKind::array:
      return items.empty() ? "[]" : "[...]";
    case TomlKind::table:
      return members.empty() ? "{}" : "{...}";
    case TomlKind::string:
      break;
    case TomlKind::integer:
    case TomlKind::number:
    case TomlKind::boolean:
    case TomlKind::date:
      return text;
  }
  const bool whole = text.size() <= most;
  return "\"" + visible(whole ? text : text.substr(0, most)) + (whole ? "\"" : "...\"");
}

TomlValue parse_toml(std::string_view text, const ConfigPlace& place, ConfigProblems& problems) {
  try {
    return convert(toml::parse(text, place.source), place);
  } catch (const toml::parse_error& error) {
    add_problem(problems, place_of(error.source(), place), visible(error.description()));
  }
  TomlValue nothing;
  nothing.place = place;
  return nothing;
}

TomlValue parse_bare_toml(const std::string& text, const ConfigPlace& place) {
  ConfigProblems ignored;  // not TOML means: a plain string
  auto document = parse_toml("x = " + text, place, ignored);
  const bool is_value =
      ignored.empty() && document.members.size() == 1 && document.members[0].key == "x";
  TomlValue value;
  if (is_value) {
    value = std::move(document.members[0].value);
  } else {
    value.kind = TomlKind::string;
  }
  const bool quoted = is_value && value.kind == TomlKind::string;
  const bool scalar = value.kind != TomlKind::array && value.kind != TomlKind::table;
  if (scalar && !quoted) value.text = text;
  value.typed_bare = scalar && !quoted;
  put_at(value, place);
  return value;
}

}  // namespace banyan::io
