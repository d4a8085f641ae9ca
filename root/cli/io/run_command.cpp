// `banyan run`: one command under a leaf of its own, without a file and without a parent.

#include <cerrno>
#include <cstring>
#include <filesystem>

#include <unistd.h>

#include "root/cli/io/verbs.h"
#include "root/cli/run_settings.h"

namespace banyan::cli {

namespace {

// The leaf removes it at its end: the name tells it so.
std::string temporary_directory() {
  std::error_code error;
  auto folder = std::filesystem::temp_directory_path(error);
  if (error) folder = "/tmp";
  std::string pattern = (folder / "banyan-run-XXXXXX").string();
  return mkdtemp(pattern.data()) == nullptr ? std::string() : pattern;
}

}  // namespace

int run_command(const std::vector<std::string>& words, Terminal& terminal) {
  const auto settings = parse_run(words);
  if (!settings) {
    terminal.say(render_failure(settings.error()));
    return settings.error().code;
  }
  if (settings->help) {
    terminal.write(run_help());
    return exit_ok;
  }
  const std::string folder = temporary_directory();
  if (folder.empty()) {
    const Failure failure{
        exit_failed, std::string("cannot make a temporary directory: ") + std::strerror(errno), {}};
    terminal.say(render_failure(failure));
    return failure.code;
  }
  std::vector<std::string> arguments{"--set", "state_dir=" + folder};
  for (const std::string& set : settings->sets) {
    arguments.push_back("--set");
    arguments.push_back(set);
  }
  const Failure failure = become_daemon("leaf", arguments);
  rmdir(folder.c_str());
  terminal.say(render_failure(failure));
  return failure.code;
}

}  // namespace banyan::cli
