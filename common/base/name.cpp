#include "common/base/name.h"

#include <algorithm>

namespace banyan {
namespace {

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_inner(char c) { return is_lower_or_digit(c) || c == '.' || c == '_' || c == '-'; }

}  // namespace

bool is_name(std::string_view text) {
  if (text.empty() || text.size() > max_name_length) return false;
  return is_lower_or_digit(text[0]) && std::all_of(text.begin(), text.end(), is_inner);
}

std::string mend_name(std::string_view text) {
  std::string name;
  for (char c : text.substr(0, std::min(text.size(), max_name_length))) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (name.empty() && !is_lower_or_digit(c)) continue;
    name += is_inner(c) ? c : '-';
  }
  return name.empty() ? "unnamed" : name;
}

std::string join_path(std::string_view head, std::string_view tail) {
  std::string path{head};
  if (!head.empty() && !tail.empty()) path += '/';
  path += tail;
  return path;
}

std::pair<std::string_view, std::string_view> split_first(std::string_view path) {
  const auto slash = path.find('/');
  if (slash == std::string_view::npos) return {path, {}};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

std::pair<std::string_view, std::string_view> split_last(std::string_view path) {
  const auto slash = path.rfind('/');
  if (slash == std::string_view::npos) return {{}, path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

std::vector<std::string_view> split_path(std::string_view path) {
  std::vector<std::string_view> names;
  while (!path.empty()) {
    const auto [first, rest] = split_first(path);
    names.push_back(first);
    path = rest;
  }
  return names;
}

bool is_path(std::string_view text) {
  if (text.empty()) return true;
  if (text.back() == '/') return false;
  const auto names = split_path(text);
  return names.size() <= max_tree_depth + 1 && std::all_of(names.begin(), names.end(), is_name);
}

}  // namespace banyan
