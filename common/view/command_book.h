#pragma once
// Commands and what became of them: one outcome per target, kept in memory.
//
//   running --(every target answered)--> finished
//   running --(ttl + 1 s)--> finished: what is unanswered, or in doubt, becomes `unknown`
//
// The set of targets is fixed when the command is made; of a `scale` it is their groups, of a
// `forget` nodes. What cannot be reached then is `unreachable` at once; a suspect node is tried.
// The first final outcome stands; only `unknown` may still be improved (late). Who is in doubt is
// asked about, where its instance is now. A rollout hands over batch after batch (rollout.h); what
// it does not try any more is `rejected`. Bounds: max_commands, the oldest finished go first; a
// running one never goes, and if all are running a new one is refused. Single threaded.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "banyan/v1/link.pb.h"
#include "common/base/random.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "common/tree/selector.h"
#include "common/view/history.h"
#include "common/view/rollout.h"

namespace banyan::view {

struct CommandAsk {
  std::string id;  // 32 hex digits, or "" for a new one
  std::string verb;
  std::string select;
  int signal = 0;
  std::uint32_t instances = 0;    // scale
  std::uint32_t ttl_ms = 30'000;  // of a rollout: of each batch
  RolloutLimits rollout;
  std::string issuer;
};

struct CommandTarget {
  // When the command was made; in a rollout, when its batch began.
  std::string node;
  std::string target;
  std::string instance;                                    // of the node
  v1::Boot boot;                                           // too
  std::uint64_t generation = 0;                            // of the target; then as answered
  v1::OutcomeKind outcome = v1::OUTCOME_KIND_UNSPECIFIED;  // unspecified = not answered yet
  std::string reason;
  std::int32_t pid = 0;
  bool in_doubt = false;
  bool late = false;
};

struct Command {
  CommandAsk ask;
  std::uint64_t number = 0;  // rises with every command
  WallTime created{};
  WallTime ended{};
  Time deadline{};
  std::vector<CommandTarget> targets;
  std::unordered_map<std::string, std::size_t> places;  // target's path -> place in targets
  std::size_t answered = 0;
  std::optional<Rollout> rollout;  // what is not in its batch is not handed over

  bool finished() const { return answered == targets.size(); }
};

struct CommandBatch {
  std::string command;  // id
  v1::Request request;
};

class CommandBook {
 public:
  static constexpr std::size_t max_commands = 1'000;
  static constexpr Duration grace = seconds{1};
  static constexpr Duration ask_every = seconds{2};
  static constexpr Duration ask_until = std::chrono::minutes{10};

  CommandBook(std::uint64_t seed, std::uint64_t epoch) : random_(seed), epoch_(epoch) {}

  // `ask` is valid (id unused, verb known). Error: all places are taken by running commands.
  Result<const Command*> create(CommandAsk ask, const tree::Selection& selection, Now now);
  // The request for everything that is not answered yet; without targets there is nothing to send.
  v1::Request request_for(const Command& command) const;

  // At most once, before anything else: what a store holds (v1::StoredCommand), oldest first. One
  // that ran goes on until its deadline, and is asked about: whether it was handed over before this
  // root ended is not known. What cannot be read is left out.
  void resume(const std::vector<std::string>& records, Now now);
  CommandRow row_of(const Command& command) const;
  // The finished command that the last on_outcomes has changed; "" = none.
  std::string take_improved() { return std::exchange(improved_, {}); }

  const Command* find(const std::string& id) const;
  std::vector<const Command*> newest_first() const;

  // Both answer with the commands that are finished by it.
  std::vector<std::string> on_outcomes(const v1::Outcomes& outcomes, Now now);
  std::vector<std::string> on_time(Now now);
  Time next_deadline() const;
  // Rollouts: what to hand over now, to where the nodes are now. `finished` gets the ids of those
  // that are over by it.
  std::vector<CommandBatch> roll(const tree::Mirror& mirror, Now now,
                                 std::vector<std::string>& finished);
  bool is_rolling() const { return !rolling_.empty(); }
  // Nothing more of a rollout is begun; roll() ends it. False: it is none, or all of it was begun.
  bool cancel(const std::string& id, const std::string& why);
  // Doubt is resolved by asking, not by sending again: what to ask now, at most once per
  // `ask_every`, of the nodes whose instance is up somewhere, until `ask_until` after the deadline.
  std::vector<v1::OutcomeAsk> doubts(const tree::Mirror& mirror, Now now);

 private:
  std::string new_id();
  bool make_room();
  bool ask_about(Command& command, const tree::Mirror& mirror, std::vector<v1::OutcomeAsk>& asks);
  void begin_rollout(Command& command);
  void roll(Command& command, const tree::Mirror& mirror, Now now,
            std::vector<CommandBatch>& batches);
  static void bring_up_to_date(Command& command, std::size_t i, const tree::Mirror& mirror);
  void give_up(Command& command, CommandTarget& target, Now now);
  static bool settle(Command& command, CommandTarget& target, const v1::Outcome& outcome);
  void keep(Command command);

  Random random_;
  std::string improved_;
  std::uint64_t epoch_;
  std::uint64_t last_number_ = 0;
  std::unordered_map<std::string, Command> by_id_;
  std::map<std::uint64_t, std::string> by_number_;
  std::map<std::pair<Time, std::uint64_t>, std::string> running_;  // by deadline
  std::set<std::string> rolling_;   // ids of rollouts that are not finished
  std::set<std::string> doubtful_;  // ids of commands with targets in doubt
  Time ask_at_ = never;
};

// Lost and left nodes of a selection, to be forgotten by whoever lists them; what lies below one
// goes with it.
std::vector<CommandTarget> gone_nodes(const tree::Selection& selection);
bool is_command_id(std::string_view text);
const char* name_of(v1::OutcomeKind kind);  // "done"
std::string command_json(const Command& command);
// "3 done, 1 failed"
std::string counts_text(const Command& command);

}  // namespace banyan::view
