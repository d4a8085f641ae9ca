#pragma once
// What a configuration is read from, as plain values: tests fill it in, daemons gather it from the
// world with gather_config().

#include <map>
#include <string>
#include <vector>

#include "common/io/config_problem.h"

namespace banyan::io {

struct ConfigText {
  std::string source;  // as named to the person: "leaf.toml"
  std::string text;
};

struct ConfigInput {
  std::vector<ConfigText> files;  // the file, then conf.d/*.toml beside it by name; later ones win
  std::vector<std::string> sets;  // "key=value", of --set; the last word
  std::map<std::string, std::string> environment;  // BANYAN_*, HOME and XDG_STATE_HOME
  std::string host_name;
  std::string directory;  // absolute; relative paths begin here
  bool super_user = false;
  ConfigProblems problems;  // met while gathering
};

// Bounds: 1 MiB per file, 256 files in conf.d; more is a problem, not a cut. An empty `file` means
// none. Called once by each main, and again for a reload.
ConfigInput gather_config(const std::string& file, std::vector<std::string> sets);

}  // namespace banyan::io
