#include "common/io/config.h"

#include <filesystem>

#include <fmt/format.h>

#include "common/base/name.h"
#include "common/base/units.h"
#include "common/io/config_address.h"
#include "common/io/config_document.h"
#include "common/io/config_security.h"

namespace banyan::io {
namespace {

constexpr ConfigRange<Duration> interval_range{milliseconds{20}, std::chrono::hours{1}};
constexpr ConfigRange<Duration> timeout_range{milliseconds{20}, std::chrono::hours{24}};
constexpr ConfigRange<Duration> keep_range{std::chrono::minutes{1}, std::chrono::hours{24 * 36500}};
constexpr ConfigRange<Duration> grace_range{Duration::zero(), std::chrono::hours{24}};
constexpr ConfigRange<Duration> forget_range{std::chrono::seconds{1}, std::chrono::hours{24 * 365}};

class NodeReader {
 public:
  NodeReader(ConfigReader& reader, ConfigRole role, const ConfigInput& input)
      : reader_(reader), role_(role), input_(input) {}

  tree::NodeConfig read() {
    reader_.read_string_map("labels", node_.labels);
    read_name();
    read_role();
    read_listener();
    if (role_ != ConfigRole::root) read_parents();
    read_security(reader_, role_, input_, node_);
    check_listener();
    read_beats();
    read_log();
    reader_.read_bool("keep_targets", node_.keep_targets);
    if (role_ != ConfigRole::leaf) read_http();
    read_state_dir();
    if (role_ == ConfigRole::root) read_store();
    return std::move(node_);
  }

 private:
  void read_name() {
    std::string title = input_.host_name.empty() ? "unnamed" : input_.host_name;
    if (reader_.read_string("name", title) && title.empty()) {
      reader_.refuse_key("name", "name = \"\": expected at least one letter or digit");
    }
    node_.name = mend_name(title);
    if (node_.name != title) node_.labels.emplace("title", title);
  }

  void read_role() {
    bool is_leaf = false;
    if (!reader_.read_bool("is_leaf", is_leaf) || is_leaf == (role_ == ConfigRole::leaf)) return;
    const auto* other = is_leaf ? "banyan-leaf" : "banyan-relay or banyan-root";
    reader_.refuse_key(
        "is_leaf", fmt::format("is_leaf = {}: this is {}; start {}, or remove the line", is_leaf,
                               program_name(role_), other));
  }

  std::uint16_t port(std::string_view key, std::uint16_t value, std::int64_t least = 0) {
    std::int64_t number = value;
    reader_.read_integer(key, {least, 65535}, number);
    return static_cast<std::uint16_t>(number);
  }

  // A leaf takes both keys, as canopy's did, but listens nowhere.
  void read_listener() {
    reader_.read_string("host", node_.host);
    node_.port = port("port", node_.port);
  }

  void check_listener() {
    if (role_ == ConfigRole::leaf || is_loopback(node_.host)) return;
    if (node_.security.has_keys()) return;
    reader_.refuse_key(
        "host",
        fmt::format("host = \"{}\": not a loopback address, and no keys are configured: "
                    "anybody who reaches it could join and command this tree; type: banyan keygen "
                    "{}.key && touch authorized_keys, then write security.key_file = \"{}.key\" "
                    "and security.authorized_keys = \"authorized_keys\"; or write host = "
                    "\"127.0.0.1\" and let other hosts in by a tunnel: ssh -N -L "
                    "{}:127.0.0.1:{} THIS_HOST",
                    node_.host, node_.name, node_.name, node_.port, node_.port));
  }

  void read_parents() {
    std::vector<std::string> texts;
    const bool many = reader_.read_strings("parents", texts);
    const auto* list = reader_.take("parents");
    tree::Address single{"127.0.0.1", default_tree_port};
    const bool has_host = reader_.read_string("parent_host", single.host);
    const bool has_port = reader_.take("parent_port") != nullptr;
    single.port = port("parent_port", default_tree_port, 1);
    if (list != nullptr && (has_host || has_port)) {
      reader_.refuse_key("parents", "parents and parent_host/parent_port: give one of the two");
    } else if (many) {
      read_parent_list(*list, texts);
    } else if (has_host || has_port) {
      read_parent_host(single);
    }
  }

  void read_parent_list(const TomlValue& list, const std::vector<std::string>& texts) {
    constexpr std::size_t most = 16;
    if (texts.size() > most) reader_.refuse("parents", list, "more than 16 parents");
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const auto address = parse_address(texts[i]);
      if (address) {
        node_.parents.push_back(*address);
      } else {
        const auto& error = address.error();
        reader_.refuse("parents", list.items[i], error.what + "; " + error.hint);
      }
    }
  }

  void read_parent_host(const tree::Address& given) {
    const bool plain = given.host.find(':') == std::string::npos;
    const auto address = parse_address(plain ? given.host : "[" + given.host + "]");
    if (!address) {
      reader_.refuse_key("parent_host",
                         fmt::format("parent_host = \"{}\": not a host name or address; the port "
                                     "goes to parent_port",
                                     given.host));
      return;
    }
    node_.parents.push_back(given);
  }

  void read_beats() {
    reader_.read_duration("hb_interval", interval_range, node_.hb_interval);
    const bool has_timeout = reader_.read_duration("timeout", timeout_range, node_.timeout);
    reader_.read_duration("grace", grace_range, node_.grace);
    reader_.read_duration("forget_left", forget_range, node_.forget_left);
    reader_.read_duration("forget_lost", forget_range, node_.forget_lost);
    if (node_.timeout > node_.hb_interval) return;
    reader_.refuse_key(has_timeout ? "timeout" : "hb_interval",
                       fmt::format("timeout ({}) must be longer than hb_interval ({}): a node that "
                                   "beats in time would be taken for dead; write timeout = \"{}\"",
                                   exact_duration(node_.timeout), exact_duration(node_.hb_interval),
                                   exact_duration(node_.hb_interval * 5)));
  }

  void read_log() {
    reader_.read_bool("silent", node_.silent);
    const std::vector<std::string> levels{"debug", "info", "warning", "error"};
    std::size_t level = 1;
    reader_.read_choice("log_level", levels, level);
    node_.log_level = levels[level];
  }

  void read_http() {
    const bool has_host = reader_.read_string("http_host", node_.http_host);
    const bool has_port = reader_.take("http_port") != nullptr;
    node_.http_port = port("http_port", node_.http_port);
    reader_.read_strings("allowed_hosts", node_.allowed_hosts);
    node_.http = role_ == ConfigRole::root || has_port;
    if (has_host && !node_.http) {
      reader_.refuse_key("http_host",
                         "http_host without http_port: a relay serves HTTP only when "
                         "http_port is given; add http_port = 7480");
    }
    if (is_loopback(node_.http_host)) return;
    reader_.refuse_key(
        "http_host",
        fmt::format("http_host = \"{}\": not a loopback address, and no tokens are configured: "
                    "anybody who reaches it could command this tree; write "
                    "http_host = \"127.0.0.1\" and use a tunnel: ssh -N -L {}:127.0.0.1:{} "
                    "THIS_HOST",
                    node_.http_host, node_.http_port, node_.http_port));
  }

  void read_state_dir() {
    std::string given;
    if (reader_.read_string("state_dir", given)) {
      if (given.empty()) reader_.refuse_key("state_dir", "state_dir = \"\": expected a directory");
    } else {
      given = default_state_dir();
    }
    const auto home = variable("HOME");
    if (given.starts_with("~/") && !home.empty()) given = home + given.substr(1);
    const auto path = (std::filesystem::path{input_.directory} / given).lexically_normal();
    node_.state_dir = path.has_filename() ? path.string() : path.parent_path().string();
  }

  void read_store() {
    constexpr std::string_view scheme = "sqlite:///";
    node_.store.path = node_.state_dir + "/store.sqlite";
    const auto* table = reader_.take("store");
    if (table == nullptr) return;
    if (table->kind != TomlKind::table) {
      return reader_.refuse("store", *table, "expected a table: store = { keep = \"90d\" }");
    }
    auto section = reader_.below("store", *table);
    std::string url;
    if (section.read_string("url", url)) {
      if (url.starts_with(scheme) && url.size() > scheme.size()) {
        node_.store.path = url.substr(scheme.size() - 1);
      } else {
        section.refuse_key("url", fmt::format("url = \"{}\": expected \"sqlite:///\" and the whole "
                                              "path of a file: \"sqlite:///srv/banyan/store\"",
                                              url));
      }
    }
    section.read_duration("keep", keep_range, node_.store.keep_age);
    section.read_integer("keep_events", {1, INT64_MAX}, node_.store.keep_events);
    section.finish({});
  }

  std::string default_state_dir() const {
    if (input_.super_user) return "/var/lib/banyan/" + node_.name;
    const auto state = variable("XDG_STATE_HOME");
    if (!state.empty()) return state + "/banyan/" + node_.name;
    return variable("HOME") + "/.local/state/banyan/" + node_.name;
  }

  std::string variable(const std::string& name) const {
    const auto found = input_.environment.find(name);
    return found == input_.environment.end() ? std::string{} : found->second;
  }

  ConfigReader& reader_;
  ConfigRole role_;
  const ConfigInput& input_;
  tree::NodeConfig node_;
};

}  // namespace

std::string_view program_name(ConfigRole role) {
  switch (role) {
    case ConfigRole::root:
      return "banyan-root";
    case ConfigRole::relay:
      return "banyan-relay";
    case ConfigRole::leaf:
      return "banyan-leaf";
  }
  return "banyan";
}

ForeignKeys foreign_node_keys(ConfigRole role) {
  ForeignKeys keys;
  keys.later = {"checks", "forward_level", "inputs", "limits",   "log",     "notify",
                "probes", "return_after",  "rules",  "services", "silences"};
  if (role != ConfigRole::leaf) {
    for (const auto key :
         {"allow", "app_name", "bufsize", "keeper", "spill_max", "target", "targets"}) {
      keys.elsewhere[key] = "banyan-leaf: only a leaf runs targets";
    }
  }
  if (role != ConfigRole::root) {
    keys.elsewhere["store"] = "banyan-root: only a root keeps a store";
  }
  if (role == ConfigRole::leaf) {
    for (const auto key : {"http_host", "http_port", "allowed_hosts"}) {
      keys.elsewhere[key] = "banyan-root and banyan-relay: a leaf serves no HTTP";
    }
  }
  if (role == ConfigRole::root) {
    for (const auto key : {"parents", "parent_host", "parent_port"}) {
      keys.elsewhere[key] = "banyan-relay and banyan-leaf: a root has no parent";
    }
  }
  return keys;
}

tree::NodeConfig read_node_config(ConfigReader& reader, ConfigRole role, const ConfigInput& input) {
  return NodeReader{reader, role, input}.read();
}

LoadedConfig load_node_config(ConfigRole role, const ConfigInput& input) {
  LoadedConfig loaded;
  loaded.problems = input.problems;
  const auto document = merge_config(input, loaded.problems);
  ConfigReader reader{document, "", loaded.problems};
  loaded.node = read_node_config(reader, role, input);
  if (role == ConfigRole::relay) {  // canopy's relays carry these, where they mean nothing
    reader.take("app_name");
    reader.take("bufsize");
  }
  reader.finish(foreign_node_keys(role));
  sort_problems(loaded.problems);
  return loaded;
}

}  // namespace banyan::io
