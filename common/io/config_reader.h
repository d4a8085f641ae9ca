#pragma once
// Reads one table of a configuration by asking for its keys. Every key asked for is known; finish()
// reports each other one. A key that is absent or wrong leaves the caller's default alone, and a
// wrong one adds a problem that says where it stands, what it is and what was expected.
// Lives while its table is read; `table` and `problems` outlive it.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/time.h"
#include "common/io/toml_file.h"

namespace banyan::io {

template <class T>
struct ConfigRange {
  T min;
  T max;
};

struct ForeignKeys {
  std::vector<std::string_view> later;  // known to the design, not to this version
  std::map<std::string_view, std::string_view> elsewhere;  // key -> whose it is
};

class ConfigReader {
 public:
  ConfigReader(const TomlValue& table, std::string prefix, ConfigProblems& problems);

  // Each returns true when the key was there and right.
  bool read_string(std::string_view key, std::string& out);
  bool read_bool(std::string_view key, bool& out);
  bool read_integer(std::string_view key, ConfigRange<std::int64_t> range, std::int64_t& out);
  bool read_duration(std::string_view key, ConfigRange<Duration> range, Duration& out);
  bool read_size(std::string_view key, ConfigRange<std::uint64_t> range, std::uint64_t& out);
  bool read_strings(std::string_view key, std::vector<std::string>& out);
  // A table of free keys with strings; adds to `out`. At most 256 entries.
  bool read_string_map(std::string_view key, std::map<std::string, std::string>& out);
  // `out` becomes the index of the chosen word.
  bool read_choice(std::string_view key, const std::vector<std::string>& words, std::size_t& out);

  // The value of a key with a form of its own; null when absent. The key counts as asked for.
  const TomlValue* take(std::string_view key);

  // For the keys of a table in this one; its problems come with these.
  ConfigReader section(std::string_view key, const TomlValue& table) const {
    return {table, prefix_ + std::string(key) + ".", problems_};
  }

  // "key = shown: message" at the value's place.
  void refuse(std::string_view key, const TomlValue& value, const std::string& message);
  // Wrong in itself, whatever its form: at the key's place, or the table's when the key is absent.
  void refuse_key(std::string_view key, const std::string& message);

  void finish(const ForeignKeys& foreign);

  const ConfigPlace& place() const { return table_.place; }
  const std::vector<std::string>& asked() const { return asked_; }

 private:
  bool expect(std::string_view key, const TomlValue* value, std::string_view what, bool right);
  void refuse_unknown(const TomlMember& member, const ForeignKeys& foreign);

  const TomlValue& table_;
  std::string prefix_;  // "log."
  ConfigProblems& problems_;
  std::vector<std::string> asked_;
};

// The string that a value stands for, where a string is expected; null when it is none.
const std::string* string_of(const TomlValue& value);

}  // namespace banyan::io
