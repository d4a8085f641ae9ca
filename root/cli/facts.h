#pragma once
// What a node or target object of the API means to a person: its mark, word, rank and reason.
// Pure.

#include <string>

#include "root/cli/json_view.h"
#include "root/cli/marks.h"

namespace banyan::cli {

struct Shown {
  Mark mark;
  std::string word;
};

// The state as shown; a running target whose health is bad shows the health instead.
Shown shown_state(const json::value& item);
// True for what needs no look: up, running, stopped or exited, not presumed, health not bad.
bool is_quiet(const json::value& item);
// Worst first: 0 is worst. Lists are sorted by it.
int rank_of(const json::value& item);
// "exit 1, 14 restarts", "signal KILL", the first evidence of a node; "" when there is nothing.
std::string reason_of(const json::value& item);
std::string exit_text(const json::value& last_exit);
// One piece of evidence, which is a string or an object.
std::string evidence_text(const json::value& evidence);
// The same as a line of its own: its time of day, then the words.
std::string evidence_line(const json::value& evidence, const View& view);
std::string labels_text(const json::value& item);

// `counts` of a node: targets as wanted, of all, and presumed ones.
struct TargetCounts {
  std::int64_t wanted = 0;
  std::int64_t total = 0;
  std::int64_t presumed = 0;
};
TargetCounts target_counts(const json::value& targets);

}  // namespace banyan::cli
