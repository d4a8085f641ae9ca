// enroll: on the parent's host, prints the one line to type on a new one. It writes nothing but the
// public half of the token it makes; who may write the parent's files may enroll.

#include <filesystem>

#include <fmt/format.h>
#include <unistd.h>

#include "common/base/name.h"
#include "common/io/clock.h"
#include "common/io/config.h"
#include "common/io/config_address.h"
#include "common/io/key_list.h"
#include "common/io/link_keys.h"
#include "common/io/token_file.h"
#include "common/tree/command_key.h"
#include "root/cli/io/verbs.h"

namespace banyan::cli {
namespace {

namespace fs = std::filesystem;

constexpr auto token_life = std::chrono::hours{1};

struct Parent {
  tree::NodeConfig node;
  bool root = false;
};

tl::unexpected<Failure> refuse(std::string message, std::string hint) {
  Failure failure{exit_failed, std::move(message), {}};
  if (!hint.empty()) failure.steps.emplace_back("", std::move(hint));
  return tl::unexpected(std::move(failure));
}

Outcome<std::string> config_file(const Arguments& arguments) {
  if (!arguments.file.empty()) return arguments.file;
  std::vector<std::string> found;
  for (const char* file : {"/etc/banyan/root.toml", "/etc/banyan/relay.toml"}) {
    std::error_code error;
    if (fs::exists(file, error)) found.emplace_back(file);
  }
  if (found.size() == 1) return found[0];
  return refuse("which node of this host is the parent?",
                "name its file: banyan enroll " + arguments.noun + " --config root.toml");
}

// A file that has a parent in it is a relay's.
Outcome<Parent> read_parent(const std::string& file) {
  const auto input = io::gather_config(file, {});
  auto relay = io::load_node_config(io::ConfigRole::relay, input);
  const bool root = relay.node.parents.empty();
  auto loaded = root ? io::load_node_config(io::ConfigRole::root, input) : std::move(relay);
  if (!loaded.problems.empty()) return refuse(loaded.problems.front().text, "");
  return Parent{std::move(loaded.node), root};
}

Outcome<std::string> address_of(const Parent& parent, const std::string& given) {
  const tree::NodeConfig& node = parent.node;
  if (!given.empty()) {
    const auto address = io::parse_address(given);
    if (!address) return tl::unexpected(failure_of(address.error()));
    const bool has_port = given.ends_with(fmt::format(":{}", address->port));
    const auto port = has_port || node.port == 0 ? address->port : node.port;
    const bool v6 = address->host.find(':') != std::string::npos;
    return fmt::format("{}{}{}:{}", v6 ? "[" : "", address->host, v6 ? "]" : "", port);
  }
  if (node.port == 0) {
    return refuse("the parent takes any free port", "set `port` in its file, or give --address");
  }
  const bool any = node.host == "0.0.0.0" || node.host == "::" || node.host == "*";
  std::string host = node.host;
  if (any) {
    char name[256] = {};
    if (::gethostname(name, sizeof name - 1) == 0) host = name;
  }
  const bool v6 = host.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", v6 ? "[" : "", host, v6 ? "]" : "", node.port);
}

// Whose commands the new host is to obey: the root's, and those of others that this relay obeys.
std::string command_words(const Parent& parent, const io::KeyPair& own) {
  if (parent.root) {
    const tree::CommandSigner signer(io::key_bytes(own.secret_key));
    return " --commands " + io::key_text(signer.public_key());
  }
  std::string words;
  for (const tree::CommandKey& key : parent.node.security.commands.keys) {
    words += " --commands " + io::key_text(key.key) + (key.path.empty() ? "" : "@" + key.path);
  }
  return words;
}

std::string prefix_of(const Parent& parent) {
  if (parent.root) return {};
  const auto& enrolled = parent.node.security.commands.enrolled;
  return enrolled.empty() ? parent.node.name : enrolled.front();
}

Status check_free(const std::string& list_file, const std::string& name) {
  const auto list = io::KeyList::load(list_file);
  if (!list) return tl::unexpected(list.error());
  const auto held = list->names().find(name);
  if (held == list->names().end()) return {};
  return failure(fmt::format("{} has a key already, {}", name, io::fingerprint(held->second)),
                 list_file, {},
                 "for a new key remove its line, send HUP to the parent, and enroll it again");
}

}  // namespace

Outcome<int> run_enroll(const Arguments& arguments, Terminal& terminal) {
  const std::string& name = arguments.noun;
  if (!is_name(name)) {
    return refuse(fmt::format("\"{}\" is no name of a node", name), "write a-z 0-9 . _ -");
  }
  const std::string role = arguments.role.empty() ? "leaf" : arguments.role;
  if (role != "leaf" && role != "relay") return refuse("--role is leaf or relay", "");
  const auto file = config_file(arguments);
  if (!file) return tl::unexpected(file.error());
  const auto parent = read_parent(*file);
  if (!parent) return tl::unexpected(parent.error());
  const tree::Security& security = parent->node.security;
  if (!security.has_keys()) {
    return refuse(*file + " has no keys",
                  "banyan keygen node.key, then write [security] key_file and authorized_keys");
  }
  const auto own = io::read_key_file(security.key_file);
  if (!own) return tl::unexpected(failure_of(own.error()));
  if (const auto free = check_free(security.authorized_keys, name); !free) {
    return tl::unexpected(failure_of(free.error()));
  }
  const auto address = address_of(*parent, arguments.enrol.address);
  if (!address) return tl::unexpected(address.error());
  const io::KeyPair token = io::make_key_pair();
  const WallTime now = io::read_clock().wall;
  const io::TokenFile tokens(security.authorized_keys);
  if (const auto kept = tokens.add(token.public_key, {name, role, now + token_life, ""}, now);
      !kept) {
    return tl::unexpected(failure_of(kept.error()));
  }
  const std::string words = command_words(*parent, *own);
  terminal.write(fmt::format(
      "BANYAN_JOIN_TOKEN={} banyan join {} --role {} --parent {} --parent-key {} --path {}{}\n",
      token.secret_key, name, role, *address, own->public_key, join_path(prefix_of(*parent), name),
      words));
  terminal.say(fmt::format(
      "type this line on the new host within an hour; it works once, for {} below {} (token {})\n",
      name, parent->node.name, io::fingerprint(token.public_key)));
  if (words.empty()) {
    terminal.say("this relay has no command_keys: the new host will obey unsigned commands\n");
  }
  return exit_ok;
}

}  // namespace banyan::cli
