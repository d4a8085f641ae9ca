#pragma once
// TOML as plain values that know where they stand. The only user of toml++ is toml_file.cpp.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/io/config_problem.h"

namespace banyan::io {

enum class TomlKind { string, integer, number, boolean, array, table, date };

// "a string", "an integer", ... for messages.
std::string_view toml_kind_name(TomlKind kind);

struct TomlMember;

struct TomlValue {
  TomlKind kind = TomlKind::table;
  std::string text;  // string: its value; other scalars: as one would write them
  std::int64_t integer = 0;
  double number = 0;
  bool boolean = false;
  std::vector<TomlValue> items;     // array
  std::vector<TomlMember> members;  // table, in the order of the source; keys are unique
  ConfigPlace place;
  // As typed by a person without quotes (--set, environment): where a string is expected, `text`
  // is that string, whatever it looks like.
  bool typed_bare = false;

  const TomlMember* find(std::string_view key) const;
  TomlMember* find(std::string_view key);
  std::string shown() const;  // as in TOML, shortened: "\"5 sec\"", "12", "[...]"
};

struct TomlMember {
  std::string key;
  ConfigPlace key_place;
  TomlValue value;
};

// A whole document; a syntax error (the first one: what follows cannot be trusted) is added to
// `problems` and gives an empty table. `place` carries source and rank.
TomlValue parse_toml(std::string_view text, const ConfigPlace& place, ConfigProblems& problems);

// What a person typed after `key=`: a TOML value if it is one, else the text itself as a string.
TomlValue parse_bare_toml(const std::string& text, const ConfigPlace& place);

}  // namespace banyan::io
