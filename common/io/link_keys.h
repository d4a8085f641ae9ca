#pragma once
// Keys of links: their text, and the file with a node's own. A key is 32 bytes, written as 64 hex
// digits; its fingerprint is how it begins, so that a line of a log is found in a list of keys.
// Start and reload only (reads files). Nothing here prints a secret.

#include <string>
#include <string_view>

#include "common/base/result.h"

namespace banyan::io {

struct KeyPair {
  std::string public_key;
  std::string secret_key;
};

// 64 hex digits, in lower case.
bool is_key(std::string_view text);
std::string fingerprint(std::string_view public_key);  // 16 of them
// The 32 bytes; `key` is_key().
std::string key_bytes(std::string_view key);
std::string key_text(std::string_view bytes);

KeyPair make_key_pair();
// The pair that a secret belongs to.
Result<KeyPair> key_pair_of(const std::string& secret_key);
// A new file, mode 0600. Refused when there is something of this name.
Status write_key_file(const std::string& path, const KeyPair& pair);
// Refused when others than its owner may read it (the super-user's group may: systemd's
// credentials are like that).
Result<KeyPair> read_key_file(const std::string& path);

}  // namespace banyan::io
