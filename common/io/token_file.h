#pragma once
// The tokens by which new hosts may join: a file beside the list of admitted keys, written by
// `banyan enroll` and by the daemon that admits. A token is a key pair of its own; only its public
// half is here, so that the file gives nobody a way in. Lines are only ever added, under a lock:
//
//   token KEY NAME ROLE EXPIRES      (ms since 1970; ROLE is leaf, relay or any)
//   used KEY BY                      (BY is the key that was admitted)
//
// It belongs to the owner of the list, whoever enrolls. `banyan enroll` leaves out what has expired
// for more than a day. Bounds: 1 MiB. It waits for the disk: a person's command, and the moment in
// which a host joins.

#include <map>
#include <string>

#include "common/base/result.h"
#include "common/base/time.h"

namespace banyan::io {

struct Token {
  std::string name;
  std::string role;  // "leaf", "relay", or empty: either
  WallTime expires{};
  std::string used_by;  // a key; empty = by nobody yet
};
using Tokens = std::map<std::string, Token>;  // by public key

class TokenFile {
 public:
  explicit TokenFile(std::string list_file)
      : list_file_(std::move(list_file)), path_(list_file_ + ".tokens") {}

  const std::string& path() const { return path_; }
  // Lines that make no sense are left out: they admit nobody.
  Result<Tokens> load() const;
  Status add(const std::string& key, const Token& token, WallTime now) const;
  Status use(const std::string& key, const std::string& by) const;

 private:
  std::string list_file_;
  std::string path_;
};

}  // namespace banyan::io
