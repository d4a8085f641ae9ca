#pragma once
// Where a configuration value came from, and what is wrong with it.

#include <string>
#include <vector>

namespace banyan::io {

// `source` is a file ("leaf.toml"), "--set timeout" or "environment BANYAN_TIMEOUT"; only files
// have lines and columns (counted from 1; 0 = none).
struct ConfigPlace {
  std::string source;
  unsigned rank = 0;  // order of the sources: files as read, then environment, then --set
  unsigned line = 0;
  unsigned column = 0;

  std::string text() const;  // "leaf.toml:7:1"
};

struct ConfigProblem {
  std::string text;  // "leaf.toml:7:1: unknown key \"hb_intervall\"; did you mean \"hb_interval\"?"
  ConfigPlace place;
};

using ConfigProblems = std::vector<ConfigProblem>;

// The text is made visible(): what came from outside cannot command a terminal or make a new line.
void add_problem(ConfigProblems& problems, const ConfigPlace& place, const std::string& message);

// In the order in which a person meets them in the sources.
void sort_problems(ConfigProblems& problems);

}  // namespace banyan::io
