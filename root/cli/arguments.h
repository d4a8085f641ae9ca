#pragma once
// The command line of `banyan` as a plain value. Pure; CLI11 is behind arguments.cpp.

#include <optional>
#include <string>
#include <vector>

#include "common/base/time.h"
#include "root/cli/outcome.h"

namespace banyan::cli {

enum class Output { table, wide, json, ndjson, name, text, raw };
enum class ColourChoice { automatic, always, never };

struct LogArguments {
  bool follow = false;
  std::string tail;
  std::string since;
  std::string until;
  std::string grep;
  std::string level;
  std::string stream;
  std::string kind;  // of events
  bool previous = false;
  bool wrap = false;
  bool utc = false;
  bool no_fold = false;
};

struct ActArguments {
  std::string signal;
  bool yes = false;
  bool dry_run = false;
  bool no_wait = false;
  unsigned instances = 0;  // scale
  unsigned parallel = 0;   // at a time; 0 = all at once
  unsigned failures = 0;   // after which nothing more is begun; 0 = never
  std::string wanted;      // wait --for
};

struct EnrolArguments {               // enroll, join
  std::string address;                // of the parent, as the new host reaches it
  std::string parent_key;             // join, from here on
  std::string path;                   // of the new node
  std::vector<std::string> commands;  // KEY, or KEY@PATH
  std::string directory;
};

struct Arguments {
  std::string verb;
  std::string noun;  // get's list, explain's word, config's action, the node of enroll and join
  std::vector<std::string> selectors;
  std::vector<std::string> labels;
  std::string url;
  std::string token_file;
  std::string state;
  std::string file;  // config check, keygen, peers, enroll
  std::string role;
  Output output = Output::table;
  ColourChoice colour = ColourChoice::automatic;
  std::optional<Duration> timeout;
  std::optional<int> depth;
  bool all = false;
  bool ascii = false;
  bool raw = false;
  bool watch = false;
  bool once = false;         // top
  std::string sort = "cpu";  // top: cpu, memory or fds
  LogArguments log;
  ActArguments act;
  EnrolArguments enrol;
  std::string help;  // not empty: print this and end well
};

// `words` without the program's name. A failure has exit code 2 and the form of every failure.
Outcome<Arguments> parse_arguments(const std::vector<std::string>& words);

}  // namespace banyan::cli
