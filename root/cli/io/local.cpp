// What needs no root: explain, config, and becoming a daemon.

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include <fmt/format.h>
#include <unistd.h>

#include "common/base/text.h"
#include "root/cli/explain.h"
#include "root/cli/io/interrupt.h"
#include "root/cli/io/verbs.h"
#include "root/cli/words.h"

namespace banyan::cli {

namespace {

namespace fs = std::filesystem;

std::string program_beside_this(const std::string& name) {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  return error ? name : (self.parent_path() / name).string();
}

// root.toml, relay-2.toml, leaf.toml say themselves what they are for.
std::string role_of_file(const std::string& file) {
  const std::string stem = fs::path(file).stem().string();
  for (const char* role : {"root", "relay", "leaf"}) {
    if (stem.find(role) != std::string::npos) return role;
  }
  return {};
}

std::string settings_text(const Arguments& arguments) {
  const char* chosen = std::getenv("BANYAN_URL");
  const bool from_environment = chosen != nullptr && *chosen != '\0';
  std::string url = std::string(default_url) + "  (default, then the local socket)";
  if (from_environment) url = std::string(chosen) + "  (BANYAN_URL)";
  if (!arguments.url.empty()) url = arguments.url + "  (--url)";
  std::string token = "none";
  if (std::getenv("BANYAN_TOKEN") != nullptr) token = "from BANYAN_TOKEN";
  if (!arguments.token_file.empty()) token = "from " + arguments.token_file;
  return fmt::format("url    {}\ntoken  {}\n", visible(url), visible(token));
}

}  // namespace

Failure become_daemon(const std::string& role, const std::vector<std::string>& words) {
  std::string program = program_beside_this("banyan-" + role);
  std::vector<std::string> copy(words);
  std::vector<char*> argv{program.data()};
  for (std::string& word : copy) argv.push_back(word.data());
  argv.push_back(nullptr);
  restore_signals();
  execv(program.c_str(), argv.data());
  Failure failure{exit_failed, fmt::format("cannot run {}: {}", program, std::strerror(errno)), {}};
  failure.steps.emplace_back("is it installed?", "ls " + fs::path(program).parent_path().string());
  return failure;
}

Outcome<int> run_explain(const Arguments& arguments, Terminal& terminal) {
  const auto words = explained_words();
  if (arguments.noun.empty()) {
    std::string out;
    for (const std::string& word : words) {
      out += fmt::format("{}  {}\n", pad_right(word, 11), explanation_of(word));
    }
    terminal.write(out);
    return exit_ok;
  }
  const std::string_view text = explanation_of(arguments.noun);
  if (!text.empty()) {
    terminal.write(fmt::format("{}  {}\n", arguments.noun, text));
    return exit_ok;
  }
  Failure failure{
      exit_no_match, fmt::format("\"{}\" is none of banyan's words", arguments.noun), {}};
  const auto near = did_you_mean(arguments.noun, words);
  if (near) failure.steps.emplace_back("did you mean", "banyan explain " + *near);
  failure.steps.emplace_back("all words", "banyan explain");
  return tl::unexpected(failure);
}

Outcome<int> run_config(const Arguments& arguments, Terminal& terminal) {
  if (arguments.noun == "show") {
    terminal.write(settings_text(arguments));
    return exit_ok;
  }
  Failure failure{exit_usage, "", {}};
  failure.steps.emplace_back("write", "banyan config check FILE --role root|relay|leaf");
  if (arguments.noun != "check") {
    failure.message = fmt::format("config {}: expected check or show", arguments.noun);
    return tl::unexpected(failure);
  }
  const std::string role = arguments.role.empty() ? role_of_file(arguments.file) : arguments.role;
  const bool known = role == "root" || role == "relay" || role == "leaf";
  if (!known || arguments.file.empty()) {
    failure.message = arguments.file.empty() ? "config check: which file?"
                                             : "config check: which program is this file for?";
    return tl::unexpected(failure);
  }
  return tl::unexpected(become_daemon(role, {"--config", arguments.file, "--check"}));
}

}  // namespace banyan::cli
