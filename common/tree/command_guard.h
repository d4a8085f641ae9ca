#pragma once
// Is this command to be believed? Whoever has `command_keys` acts on nothing that comes from above
// unless it is signed by one of them, names this very node or target as it was enrolled, is no
// older than what that issuer has said before, and is of the present. What lies between issuer and
// leaf can then delay or drop a command; it cannot make, alter, repeat or redirect one.
//
// A selector is judged by what it says of names and labels; a state (`@down`) is what its issuer
// saw, and is not judged. The clock is this host's: issuer and leaf have to agree within
// `clock_tolerance`.
// Bounds: one mark for each key. Pure, single threaded.

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/time.h"
#include "common/tree/mirror.h"
#include "common/tree/node_config.h"

namespace banyan::tree {

// The newest command that was taken from an issuer.
struct CommandMark {
  std::uint64_t epoch = 0;
  std::uint64_t sequence = 0;
  std::string id;

  bool operator==(const CommandMark&) const = default;
};
using CommandMarks = std::map<std::string, CommandMark>;  // by key (32 bytes)

class CommandGuard {
 public:
  static constexpr Duration clock_tolerance = seconds{30};

  // `marks`: of earlier runs; what they speak of is closed. Without keys everything is believed.
  explicit CommandGuard(CommandTrust trust, CommandMarks marks = {});

  bool active() const { return !trust_.keys.empty(); }
  const CommandMarks& marks() const { return marks_; }

  struct Believed {
    v1::Command command;  // as it was signed
    std::string issuer;   // path of the node whose key it is; "" = the root
  };
  // Error: why not. A command that is believed becomes the newest one of its issuer; further frames
  // of it may follow until it is closed. Which of its targets were served already is remembered by
  // whoever acts (request_journal.h).
  Result<Believed> check(const v1::Request& request, Now now);
  // Nobody remembers any more what was done for this command: no further frame of it is believed.
  void close(const std::string& id);
  // Of an earlier run, but remembered.
  void reopen(const std::string& id);
  // The targets of this node that it names; of a `scale`, their groups too. `self` holds this
  // node's own facts at its top.
  std::set<std::string> targets(const Believed& believed, const Mirror& self) const;
  // Does it name the child that is to be forgotten?
  bool names_child(const Believed& believed, const Mirror& self, const std::string& child) const;

 private:
  Status check_age(const v1::Command& command, Now now) const;
  Status check_order(const std::string& key, const v1::Command& command);
  // Where this node stands as that issuer sees it; one for each place where it was enrolled.
  std::vector<std::string> places(const std::string& issuer) const;

  CommandTrust trust_;
  CommandMarks marks_;
  std::set<std::string> closed_;  // keys whose newest command is closed
};

}  // namespace banyan::tree
