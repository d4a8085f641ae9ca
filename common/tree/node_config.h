#pragma once
// What every node is configured with, as plain values. Read by common/io/config, used by the roles.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/base/time.h"

namespace banyan::tree {

using Labels = std::map<std::string, std::string>;

struct Address {
  std::string host;
  std::uint16_t port = 0;
};

// Whose commands are obeyed.
struct CommandKey {
  std::string key;   // Ed25519, 32 bytes
  std::string path;  // of the node that signs with it; "" = the root
};
struct CommandTrust {
  std::vector<CommandKey> keys;       // none: commands need no signature
  std::vector<std::string> enrolled;  // the paths under which this node was admitted
};

// Absolute paths and public keys; all empty: links without keys.
struct Security {
  std::string key_file;                  // this node's own key, for both sides
  std::vector<std::string> parent_keys;  // as many as parents
  std::string authorized_keys;           // the file of keys that children may have
  CommandTrust commands;                 // leaf, relay

  bool has_keys() const { return !key_file.empty(); }
};

struct StoreConfig {  // root
  std::string path;   // of the file, absolute
  Duration keep_age = std::chrono::hours{24 * 90};
  std::int64_t keep_events = 10'000'000;
};

struct NodeConfig {
  std::string name;                // already valid (mended; original in label `title`)
  std::string host = "127.0.0.1";  // where children dial (relay, root)
  std::uint16_t port = 7400;       // 0 = any free one, printed in the first log line
  std::vector<Address> parents;    // leaf, relay: first is preferred; empty = none configured
  Duration hb_interval = seconds{1};
  Duration timeout = seconds{5};
  Duration grace{0};                                // 0 = one beat interval of the child
  Duration forget_left = std::chrono::minutes{10};  // children that said goodbye
  Duration forget_lost = std::chrono::hours{24};    // children that did not come back
  bool silent = false;                              // log warnings and errors only
  std::string log_level = "info";
  Labels labels;
  std::string state_dir;  // resolved, absolute
  bool keep_targets = false;
  std::string http_host = "127.0.0.1";  // root (relay: only with http_port)
  std::uint16_t http_port = 7480;       // 0 = any free one
  bool http = false;                    // this node serves HTTP
  StoreConfig store;
  std::vector<std::string> allowed_hosts;  // Host headers beside loopback names
  Security security;
};

}  // namespace banyan::tree
