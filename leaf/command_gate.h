#pragma once
// Commands from above, before the leaf acts: are they to be believed (command_guard.h), and does
// this host's `[allow]` let them in? What people ask at the leaf's own socket does not pass here:
// whoever may open that is the leaf's user.
//
// Everything that is refused gets the outcome `rejected` with the reason, and an event (metered).
// Pure, single threaded.

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/tree/command_guard.h"
#include "common/tree/refusal_meter.h"
#include "common/tree/turn.h"

namespace banyan::leaf {

struct AllowPolicy {
  std::optional<std::set<std::string>> verbs;  // nothing: all
  std::optional<std::set<int>> signals;        // of the verb signal; nothing: all
};

class CommandGate {
 public:
  struct Setting {
    tree::CommandTrust trust;
    tree::CommandMarks marks;  // kept by an earlier run
    AllowPolicy allow;
  };
  explicit CommandGate(Setting setting);

  struct Judged {
    v1::Request admitted;  // perhaps without targets
    v1::Outcomes refused;
    std::vector<tree::OwnEvent> events;
    bool marked = false;  // marks() have changed: to be kept before anything is done
  };
  Judged judge(const v1::Request& request, const tree::Mirror& self, Now now);
  // What was admitted cannot be done after all.
  Judged refuse(const v1::Request& request, const std::string& why, Now now);
  // So many targets of this admitted request had been asked for by it before.
  std::optional<tree::OwnEvent> repeated(const v1::Request& request, std::size_t targets, Now now);

  void allow(AllowPolicy policy) { allow_ = std::move(policy); }
  const tree::CommandMarks& marks() const { return guard_.marks(); }
  // See command_guard.h.
  void close(const std::string& id) { guard_.close(id); }
  void reopen(const std::string& id) { guard_.reopen(id); }

 private:
  std::string objection(const v1::Command& command) const;  // "" = none
  std::optional<tree::OwnEvent> tell(tree::OwnEvent event, Now now);

  tree::CommandGuard guard_;
  AllowPolicy allow_;
  tree::RefusalMeter meter_;
};

}  // namespace banyan::leaf
