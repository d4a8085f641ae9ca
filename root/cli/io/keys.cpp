// keygen and peers.

#include <map>

#include <fmt/format.h>

#include "common/io/key_list.h"
#include "common/io/link_keys.h"
#include "common/tree/command_key.h"
#include "root/cli/io/verbs.h"
#include "root/cli/table.h"

namespace banyan::cli {

Failure failure_of(const Error& error) {
  Failure failure{exit_failed, error.what, {}};
  if (!error.where.empty()) failure.message += " (" + error.where + ")";
  if (!error.why.empty()) failure.message += ": " + error.why;
  if (!error.hint.empty()) failure.steps.emplace_back("", error.hint);
  return failure;
}

namespace {

struct Peer {
  std::string fingerprint;
  std::string role;
  std::string state = "absent";
  std::string host;
};
using Peers = std::map<std::string, Peer>;

Outcome<Peers> listed(const std::string& file) {
  Peers peers;
  if (file.empty()) return peers;
  const auto list = io::KeyList::load(file);
  if (!list) return tl::unexpected(failure_of(list.error()));
  for (const auto& [name, key] : list->names()) {
    const auto holder = list->find(key);
    peers[name] = {holder->fingerprint, holder->role, "absent", ""};
  }
  return peers;
}

// What the tree says of the children of `parent`.
void add_seen(const json::array& nodes, const std::string& parent, Peers& peers) {
  const std::string prefix = parent.empty() ? "" : parent + "/";
  for (const json::value& node : nodes) {
    const std::string path = text_at(node, "path");
    if (!path.starts_with(prefix)) continue;
    const std::string name = path.substr(prefix.size());
    if (name.empty() || name.find('/') != std::string::npos) continue;
    Peer& peer = peers[name];
    peer.role = text_at(node, "role");
    peer.state = text_at(node, "state");
    peer.host = text_at(node, "host");
  }
}

json::array as_items(const Peers& peers) {
  json::array items;
  for (const auto& [name, peer] : peers) {
    items.push_back(json::object{{"name", name},
                                 {"key", peer.fingerprint},
                                 {"role", peer.role},
                                 {"state", peer.state},
                                 {"host", peer.host}});
  }
  return items;
}

std::string as_table(const Peers& peers, bool with_keys, const Style& style) {
  Table table({{"NAME"}, {"KEY"}, {"ROLE"}, {"STATE"}, {"HOST"}});
  for (const auto& [name, peer] : peers) {
    const std::string key = !peer.fingerprint.empty() ? peer.fingerprint : with_keys ? "none" : "-";
    table.add({{name}, {key}, {peer.role.empty() ? "any" : peer.role}, {peer.state}, {peer.host}});
  }
  return table.render(style);
}

}  // namespace

Outcome<int> run_keygen(const Arguments& arguments, Terminal& terminal) {
  const std::string file = arguments.file.empty() ? "node.key" : arguments.file;
  const io::KeyPair pair = io::make_key_pair();
  if (const auto written = io::write_key_file(file, pair); !written) {
    return tl::unexpected(failure_of(written.error()));
  }
  const tree::CommandSigner signer(io::key_bytes(pair.secret_key));
  const std::string command_key = io::key_text(signer.public_key());
  terminal.write(pair.public_key + "\n");
  terminal.say(fmt::format(
      "fingerprint  {}\nsecret       {} (mode 0600)\ncommand key  {}\nthe child's "
      "line in authorized_keys of its parent: {} NAME\nin the file of a child: "
      "security.parent_key = \"{}\", when this is its parent\n",
      io::fingerprint(pair.public_key), file, command_key, pair.public_key, pair.public_key));
  return exit_ok;
}

Outcome<int> run_peers(Session& session) {
  const Arguments& arguments = session.arguments;
  auto peers = listed(arguments.file);
  if (!peers) return tl::unexpected(peers.error());
  std::string parent = arguments.noun == "/" ? "" : arguments.noun;
  const std::string below = parent.empty() ? "*" : parent + "/*";
  const auto nodes = session.api.list("/api/v1/nodes", {{"select", below}});
  if (nodes) {
    add_seen(*nodes, parent, *peers);
  } else if (nodes.error().code != exit_no_match) {
    return tl::unexpected(nodes.error());
  }
  const View view = session.terminal.view();
  if (arguments.output == Output::json || arguments.output == Output::ndjson) {
    const json::array items = as_items(*peers);
    session.terminal.write(arguments.output == Output::json
                               ? as_json(json::object{{"items", items}}, view)
                               : as_ndjson(items));
  } else {
    session.terminal.write(as_table(*peers, !arguments.file.empty(), view.style));
  }
  return exit_ok;
}

}  // namespace banyan::cli
