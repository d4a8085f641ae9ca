#include "common/io/config_reader.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/base/text.h"
#include "common/base/units.h"
#include "common/io/config_document.h"

namespace banyan::io {
namespace {

constexpr std::size_t max_entries = 256;

std::string error_text(const Error& error) {
  return error.hint.empty() ? error.what : error.what + "; " + error.hint;
}

Result<Duration> duration_of(const TomlValue& value) {
  if (value.kind == TomlKind::integer || value.kind == TomlKind::number) {
    return duration_of_seconds(value.number);
  }
  if (value.kind == TomlKind::string) return parse_duration(value.text);
  return failure("expected a duration", {}, {}, "write \"5s\" or 5.0");
}

Result<std::uint64_t> size_of(const TomlValue& value) {
  if (value.kind == TomlKind::integer && value.integer >= 0) {
    return static_cast<std::uint64_t>(value.integer);
  }
  if (value.kind == TomlKind::string) return parse_size(value.text);
  return failure("expected a size", {}, {}, "write \"64MiB\" or 67108864");
}

std::string alternatives(const std::vector<std::string>& words) {
  std::string text = words[0];
  for (std::size_t i = 1; i < words.size(); ++i) {
    text += (i + 1 < words.size() ? ", " : " or ") + words[i];
  }
  return text;
}

}  // namespace

const std::string* string_of(const TomlValue& value) {
  return value.kind == TomlKind::string || value.typed_bare ? &value.text : nullptr;
}

ConfigReader::ConfigReader(const TomlValue& table, std::string prefix, ConfigProblems& problems)
    : table_(table), prefix_(std::move(prefix)), problems_(problems) {}

const TomlValue* ConfigReader::take(std::string_view key) {
  if (std::find(asked_.begin(), asked_.end(), key) == asked_.end()) asked_.emplace_back(key);
  const auto* member = table_.find(key);
  return member == nullptr ? nullptr : &member->value;
}

ConfigReader ConfigReader::below(std::string_view key, const TomlValue& table) {
  return {table, fmt::format("{}{}.", prefix_, key), problems_};
}

void ConfigReader::refuse(std::string_view key, const TomlValue& value,
                          const std::string& message) {
  add_problem(problems_, value.place,
              fmt::format("{}{} = {}: {}", prefix_, key, value.shown(), message));
}

void ConfigReader::refuse_key(std::string_view key, const std::string& message) {
  const auto* member = table_.find(key);
  add_problem(problems_, member == nullptr ? table_.place : member->key_place, message);
}

bool ConfigReader::expect(std::string_view key, const TomlValue* value, std::string_view what,
                          bool right) {
  if (value != nullptr && !right) refuse(key, *value, fmt::format("expected {}", what));
  return value != nullptr && right;
}

bool ConfigReader::read_string(std::string_view key, std::string& out) {
  const auto* value = take(key);
  const auto* text = value == nullptr ? nullptr : string_of(*value);
  if (!expect(key, value, "a string", text != nullptr)) return false;
  if (text->find('\0') != std::string::npos) {
    refuse(key, *value, "a zero byte cannot be part of it");
    return false;
  }
  out = *text;
  return true;
}

bool ConfigReader::read_bool(std::string_view key, bool& out) {
  const auto* value = take(key);
  const bool right = value != nullptr && value->kind == TomlKind::boolean;
  if (!expect(key, value, "true or false", right)) return false;
  out = value->boolean;
  return true;
}

bool ConfigReader::read_integer(std::string_view key, ConfigRange<std::int64_t> range,
                                std::int64_t& out) {
  const auto* value = take(key);
  const bool right = value != nullptr && value->kind == TomlKind::integer &&
                     value->integer >= range.min && value->integer <= range.max;
  const auto what = fmt::format("an integer from {} to {}", range.min, range.max);
  if (!expect(key, value, what, right)) return false;
  out = value->integer;
  return true;
}

bool ConfigReader::read_duration(std::string_view key, ConfigRange<Duration> range, Duration& out) {
  const auto* value = take(key);
  if (value == nullptr) return false;
  const auto found = duration_of(*value);
  if (!found) {
    refuse(key, *value, error_text(found.error()));
    return false;
  }
  const bool right = *found >= range.min && *found <= range.max;
  const auto what = fmt::format("{} to {}", exact_duration(range.min), exact_duration(range.max));
  if (!expect(key, value, what, right)) return false;
  out = *found;
  return true;
}

bool ConfigReader::read_size(std::string_view key, ConfigRange<std::uint64_t> range,
                             std::uint64_t& out) {
  const auto* value = take(key);
  if (value == nullptr) return false;
  const auto found = size_of(*value);
  if (!found) {
    refuse(key, *value, error_text(found.error()));
    return false;
  }
  const bool right = *found >= range.min && *found <= range.max;
  const auto what = fmt::format("{} to {}", format_size(range.min), format_size(range.max));
  if (!expect(key, value, what, right)) return false;
  out = *found;
  return true;
}

bool ConfigReader::read_strings(std::string_view key, std::vector<std::string>& out) {
  const auto* value = take(key);
  const auto is_string = [](const TomlValue& item) {
    return item.kind == TomlKind::string && item.text.find('\0') == std::string::npos;
  };
  const bool right = value != nullptr && value->kind == TomlKind::array &&
                     std::all_of(value->items.begin(), value->items.end(), is_string);
  if (!expect(key, value, "an array of strings, like [\"a\", \"b\"]", right)) return false;
  out.clear();
  for (const auto& item : value->items) out.push_back(item.text);
  return true;
}

bool ConfigReader::read_string_map(std::string_view key, std::map<std::string, std::string>& out) {
  const auto* value = take(key);
  const bool is_table = value != nullptr && value->kind == TomlKind::table;
  const auto what = fmt::format("a table of strings, like {} = {{ a = \"b\" }}", key);
  if (!expect(key, value, what, is_table)) return false;
  if (value->members.size() > max_entries) {
    refuse(key, *value, "more than 256 entries");
    return false;
  }
  bool all = true;
  for (const auto& member : value->members) {
    const auto* text = string_of(member.value);
    const bool right = text != nullptr && text->find('\0') == std::string::npos;
    const auto name = fmt::format("{}.{}", key, visible(member.key));
    all = expect(name, &member.value, "a string", right) && all;
    if (right) out[member.key] = *text;
  }
  return all;
}

bool ConfigReader::read_choice(std::string_view key, const std::vector<std::string>& words,
                               std::size_t& out) {
  const auto* value = take(key);
  const auto* text = value == nullptr ? nullptr : string_of(*value);
  const auto found = text == nullptr ? words.end() : std::find(words.begin(), words.end(), *text);
  if (!expect(key, value, alternatives(words), found != words.end())) return false;
  out = static_cast<std::size_t>(found - words.begin());
  return true;
}

void ConfigReader::finish(const ForeignKeys& foreign) {
  for (const auto& member : table_.members) {
    const bool known = std::find(asked_.begin(), asked_.end(), member.key) != asked_.end();
    if (!known && !is_from_environment(member.key_place)) refuse_unknown(member, foreign);
  }
}

void ConfigReader::refuse_unknown(const TomlMember& member, const ForeignKeys& foreign) {
  const auto name = prefix_ + visible(member.key);
  const auto& later = foreign.later;
  const auto elsewhere = foreign.elsewhere.find(member.key);
  std::string message;
  if (std::find(later.begin(), later.end(), member.key) != later.end()) {
    message = fmt::format("key \"{}\" is not supported by this version", name);
  } else if (elsewhere != foreign.elsewhere.end()) {
    message = fmt::format("key \"{}\" belongs to {}", name, elsewhere->second);
  } else {
    message = fmt::format("unknown key \"{}\"", name);
    const auto near = did_you_mean(member.key, asked_);
    if (near) message += fmt::format("; did you mean \"{}{}\"?", prefix_, *near);
  }
  add_problem(problems_, member.key_place, message);
}

}  // namespace banyan::io
