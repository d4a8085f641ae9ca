#include "common/io/config_security.h"

#include <filesystem>

#include <fmt/format.h>

#include "common/base/name.h"
#include "common/base/text.h"
#include "common/io/key_list.h"
#include "common/io/link_keys.h"

namespace banyan::io {
namespace {

class SecurityReader {
 public:
  SecurityReader(ConfigReader& table, const std::string& directory, tree::NodeConfig& node)
      : table_(table), directory_(directory), node_(node), security_(node.security) {}

  void read(ConfigRole role) {
    if (read_path("key_file", security_.key_file)) {
      refuse_failed("key_file", read_key_file(security_.key_file));
    }
    if (role != ConfigRole::leaf) read_list();
    if (role == ConfigRole::root) return;
    read_parent_keys();
    read_enrolled();
    read_command_keys();
  }

 private:
  bool read_path(std::string_view key, std::string& path) {
    if (!table_.read_string(key, path)) return false;
    if (path.empty()) {
      table_.refuse_key(key, fmt::format("security.{} = \"\": expected a file", key));
      return false;
    }
    path = (std::filesystem::path{directory_} / path).lexically_normal().string();
    return true;
  }

  template <class T>
  void refuse_failed(std::string_view key, const Result<T>& loaded) {
    if (loaded) return;
    table_.refuse_key(key, fmt::format("security.{}: {}", key, loaded.error().text()));
  }

  void read_list() {
    const bool given = read_path("authorized_keys", security_.authorized_keys);
    if (given) refuse_failed("authorized_keys", KeyList::load(security_.authorized_keys));
    if (given == security_.has_keys()) return;
    if (given) return want_key_file("authorized_keys");
    table_.refuse_key("key_file",
                      "security.key_file without security.authorized_keys: any key would be let "
                      "in; write authorized_keys = \"authorized_keys\" and begin with: touch "
                      "authorized_keys");
  }

  void want_key_file(std::string_view beside) {
    table_.refuse_key(beside, fmt::format("security.{} without security.key_file: this node has no "
                                          "key; type: banyan keygen {}.key, then write key_file = "
                                          "\"{}.key\"",
                                          beside, node_.name, node_.name));
  }

  // One for all parents, or one for each.
  void read_parent_keys() {
    const TomlValue* value = table_.take("parent_key");
    const std::size_t parents = node_.parents.size();
    if (value == nullptr) {
      if (!security_.has_keys() || parents == 0) return;
      table_.refuse_key("key_file",
                        "security.key_file without security.parent_key: anybody could pass for "
                        "the parent; write parent_key = \"...\", the public key that banyan keygen "
                        "printed on the parent's host");
      return;
    }
    std::vector<std::string> keys;
    if (const auto* one = string_of(*value)) {
      keys.assign(std::max<std::size_t>(parents, 1), *one);
    } else if (!table_.read_strings("parent_key", keys)) {
      return;
    }
    for (const auto& key : keys) {
      if (is_key(key)) continue;
      return table_.refuse_key("parent_key",
                               "security.parent_key: expected a public key of 64 hex digits, as "
                               "banyan keygen printed it on the parent's host");
    }
    if (parents != 0 && keys.size() != parents) {
      return table_.refuse_key("parent_key",
                               fmt::format("security.parent_key has {} keys for {} parents: give "
                                           "one for each, in their order, or one for all",
                                           keys.size(), parents));
    }
    if (!security_.has_keys()) return want_key_file("parent_key");
    security_.parent_keys = std::move(keys);
  }

  void read_enrolled() {
    const TomlValue* value = table_.take("enrolled");
    if (value == nullptr) return;
    std::vector<std::string> paths;
    if (const auto* one = string_of(*value)) {
      paths.push_back(*one);
    } else if (!table_.read_strings("enrolled", paths)) {
      return;
    }
    for (const std::string& path : paths) {
      const bool own = is_path(path) && split_last(path).second == node_.name;
      if (own) continue;
      return table_.refuse_key(
          "enrolled", fmt::format("security.enrolled: \"{}\" is no path that ends in the name of "
                                  "this node, {}",
                                  visible(path), node_.name));
    }
    security_.commands.enrolled = std::move(paths);
  }

  // "KEY" of the root, "KEY PATH" of a relay.
  void read_command_keys() {
    std::vector<std::string> lines;
    if (!table_.read_strings("command_keys", lines)) return;
    for (const std::string& line : lines) {
      const std::string key = line.substr(0, line.find(' '));
      const std::string path = key == line ? "" : line.substr(key.size() + 1);
      if (!is_key(key) || !is_path(path)) {
        return table_.refuse_key("command_keys",
                                 "security.command_keys: expected \"KEY\" of the root or \"KEY "
                                 "PATH\" of a relay, as banyan keygen or a start of that node "
                                 "prints it (command_key=)");
      }
      security_.commands.keys.push_back({key_bytes(key), path});
    }
    if (!security_.has_keys()) return want_key_file("command_keys");
    if (!security_.commands.enrolled.empty() || lines.empty()) return;
    table_.refuse_key(
        "command_keys",
        fmt::format("security.command_keys without security.enrolled: which names in "
                    "a command mean this node? write enrolled = \"{}\", with the path "
                    "of its parent in front if that is not the root",
                    node_.name));
  }

  ConfigReader& table_;
  const std::string& directory_;
  tree::NodeConfig& node_;
  tree::Security& security_;
};

ForeignKeys foreign_security_keys(ConfigRole role) {
  ForeignKeys keys;
  keys.later = {"tls_cert", "tls_key", "tokens_file"};
  if (role == ConfigRole::root) {
    for (const auto key : {"parent_key", "enrolled", "command_keys"}) {
      keys.elsewhere[key] = "banyan-relay and banyan-leaf: a root has no parent";
    }
  }
  if (role == ConfigRole::leaf) {
    keys.elsewhere["authorized_keys"] = "banyan-root and banyan-relay: a leaf has no children";
  }
  return keys;
}

}  // namespace

void read_security(ConfigReader& top, ConfigRole role, const ConfigInput& input,
                   tree::NodeConfig& node) {
  const TomlValue* value = top.take("security");
  if (value == nullptr) return;
  if (value->kind != TomlKind::table) {
    top.refuse("security", *value, "expected a table, like [security]");
    return;
  }
  ConfigReader table = top.below("security", *value);
  SecurityReader{table, input.directory, node}.read(role);
  table.finish(foreign_security_keys(role));
}

}  // namespace banyan::io
