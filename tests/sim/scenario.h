#pragma once
// A scenario as text, one statement per line; `#` begins a comment. Read into plain values.
//
//   rule R5 contest                       whose scenario it is, and what the rule says
//   topology method | tree FANOUT NODES | deep LEVELS | flat LEAVES
//   targets COUNT       of every leaf above this line; 2 unless told
//   node HOST ROLE PARENT[,PARENT] [no-disk] [TARGET ...]
//   delay 1ms 20ms      hb 500ms      timeout 2500ms      drift 200      offset 10s
//   for 20s             quiet 20s     how long it runs; how long it heals before it is judged
//   tamper WHAT         from the beginning (tamper.h)
//   without WHAT [...]  the scenario must fail when these are switched off
//   missing TEXT        not built yet: the scenario must fail as it is
//   at 2s VERB ...      once
//   every 300ms [from 1s] [to 9s] VERB ...
//   expect SUBJECT [WORD ...] <=|==|>= NUMBER
//
// The verbs are those of Play (play.h), the subjects those of Expectations (expectations.h).

#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "tests/sim/world.h"

namespace banyan::sim {

using Words = std::vector<std::string>;

struct Action {
  Duration at{0};
  Duration every{0};  // 0 = once
  Duration to{0};     // with `every`; 0 = to the end
  Words words;
};

struct Expectation {
  Words subject;
  std::string comparison;
  std::int64_t number = 0;
};

struct Scenario {
  std::string rule;  // "R5"
  std::string title;
  Topology topology;
  WorldOptions options;
  Duration length = seconds{20};
  Duration quiet = seconds{20};
  std::vector<std::string> tampers;
  std::vector<std::string> without;
  std::string missing;
  std::vector<Action> actions;
  std::vector<Expectation> expectations;
};

Result<Scenario> parse_scenario(std::string_view text);
Words split_words(std::string_view line);

}  // namespace banyan::sim
