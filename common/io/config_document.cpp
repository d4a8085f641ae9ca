#include "common/io/config_document.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace banyan::io {
namespace {

constexpr unsigned environment_rank = 1000;
constexpr unsigned set_rank = 1001;
constexpr std::string_view prefix = "BANYAN_";

bool is_array_of_tables(const TomlValue& value) {
  const auto is_table = [](const TomlValue& item) { return item.kind == TomlKind::table; };
  return value.kind == TomlKind::array &&
         std::all_of(value.items.begin(), value.items.end(), is_table);
}

void merge(TomlValue& into, TomlValue from);

void merge_member(TomlValue& table, TomlMember member) {
  auto* old = table.find(member.key);
  if (old == nullptr) {
    table.members.push_back(std::move(member));
    return;
  }
  old->key_place = member.key_place;
  merge(old->value, std::move(member.value));
}

void merge(TomlValue& into, TomlValue from) {
  if (into.kind == TomlKind::table && from.kind == TomlKind::table) {
    for (auto& member : from.members) merge_member(into, std::move(member));
  } else if (is_array_of_tables(into) && is_array_of_tables(from) && !from.items.empty()) {
    for (auto& item : from.items) into.items.push_back(std::move(item));
  } else {
    into = std::move(from);
  }
}

// "log.max_size" and a value -> { log = { max_size = value } }; no parts may be empty.
bool merge_path(TomlValue& root, std::string_view path, TomlValue value) {
  const auto dot = path.rfind('.');
  const auto key = std::string{dot == std::string_view::npos ? path : path.substr(dot + 1)};
  if (key.empty()) return false;
  const auto place = value.place;
  if (dot == std::string_view::npos) {
    merge_member(root, TomlMember{key, place, std::move(value)});
    return true;
  }
  TomlValue table;
  table.place = place;
  table.members.push_back(TomlMember{key, place, std::move(value)});
  return merge_path(root, path.substr(0, dot), std::move(table));
}

// "BANYAN_LOG__MAX_SIZE" -> "log.max_size"
std::string key_of_variable(std::string_view name) {
  std::string key;
  name.remove_prefix(prefix.size());
  while (!name.empty()) {
    const bool separator = name.starts_with("__");
    const char c = name[0];
    key += separator ? '.' : c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    name.remove_prefix(separator ? 2 : 1);
  }
  return key;
}

void merge_environment(TomlValue& root, const ConfigInput& input) {
  for (const auto& [name, value] : input.environment) {
    if (!name.starts_with(prefix) || is_reserved_variable(name)) continue;
    const ConfigPlace place{"environment " + name, environment_rank, 0, 0};
    merge_path(root, key_of_variable(name), parse_bare_toml(value, place));
  }
}

void merge_sets(TomlValue& root, const ConfigInput& input, ConfigProblems& problems) {
  unsigned rank = set_rank;
  for (const auto& set : input.sets) {
    const auto equals = set.find('=');
    const auto key = set.substr(0, equals);
    const ConfigPlace place{"--set " + key, rank++, 0, 0};
    const bool complete = equals != std::string::npos;
    const auto value = complete ? parse_bare_toml(set.substr(equals + 1), place) : TomlValue{};
    if (!complete || !merge_path(root, key, value)) {
      add_problem(problems, place, "expected key=value, for example --set hb_interval=0.5");
    }
  }
}

}  // namespace

bool is_reserved_variable(const std::string& name) {
  constexpr std::array<std::string_view, 4> reserved{"BANYAN_TARGET", "BANYAN_SOCKET", "BANYAN_URL",
                                                     "BANYAN_TOKEN"};
  return std::find(reserved.begin(), reserved.end(), name) != reserved.end();
}

bool is_from_environment(const ConfigPlace& place) { return place.rank == environment_rank; }

TomlValue merge_config(const ConfigInput& input, ConfigProblems& problems) {
  TomlValue root;
  unsigned rank = 0;
  for (const auto& file : input.files) {
    merge(root, parse_toml(file.text, ConfigPlace{file.source, rank++, 0, 0}, problems));
  }
  merge_environment(root, input);
  merge_sets(root, input, problems);
  return root;
}

}  // namespace banyan::io
