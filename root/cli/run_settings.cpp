#include "root/cli/run_settings.h"

#include <map>

#include <fmt/format.h>

namespace banyan::cli {
namespace {

// Option -> key of the target.
const std::map<std::string, std::string> target_options{
    {"--restart", "restart"},           {"--backoff", "backoff"},
    {"--max-restarts", "max_restarts"}, {"--stop-signal", "stop_signal"},
    {"--stop-timeout", "stop_timeout"}, {"--user", "user"},
    {"--env-file", "env_file"},         {"--cwd", "cwd"},
};

// A TOML basic string.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    if (character == '"' || character == '\\') {
      out += '\\';
      out += character;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\u{:04x}", byte);
    } else {
      out += character;
    }
  }
  return out + "\"";
}

Failure usage(std::string message) {
  Failure failure{exit_usage, std::move(message), {}};
  failure.steps.emplace_back("see", "banyan run --help");
  return failure;
}

}  // namespace

std::string run_help() {
  std::string options;
  for (const auto& [option, key] : target_options) {
    options += fmt::format("  {:<16} {} of the target\n", option, key);
  }
  return "usage: banyan run [options] -- COMMAND ARGUMENTS\n"
         "Supervises one command without a configuration file: restarts it by its back-off when "
         "it\n"
         "fails, ends with its exit code when it has ended well, and takes all it started with "
         "it.\n"
         "TERM and INT stop it; HUP, QUIT, USR1, USR2 and WINCH are passed on.\n" +
         options +
         "  --rewrite A:B    signal A means B, or nothing when B is 0; repeatable\n"
         "  --set KEY=VALUE  any other key of a leaf\n";
}

Outcome<RunSettings> parse_run(const std::vector<std::string>& words) {
  RunSettings settings;
  std::map<std::string, std::string> keys{{"restart", "on-failure"}};
  std::string rewrite;
  std::size_t at = 0;
  for (; at < words.size() && words[at].starts_with("-"); ++at) {
    const std::string& word = words[at];
    if (word == "--") {
      ++at;
      break;
    }
    if (word == "--help" || word == "-h") {
      settings.help = true;
      return settings;
    }
    const auto option = target_options.find(word);
    const bool rewrites = word == "--rewrite";
    if (option == target_options.end() && word != "--set" && !rewrites) {
      return tl::unexpected(usage("unknown option " + word + " of run"));
    }
    if (++at == words.size()) return tl::unexpected(usage(word + " needs a value"));
    if (rewrites) {
      rewrite += (rewrite.empty() ? "" : ", ") + quoted(words[at]);
    } else if (word == "--set") {
      settings.sets.push_back(words[at]);
    } else {
      keys[option->second] = words[at];
    }
  }
  if (at == words.size()) return tl::unexpected(usage("run needs a command"));
  std::string command;
  for (std::size_t i = at; i < words.size(); ++i) {
    command += (i == at ? "" : ", ") + quoted(words[i]);
  }
  const auto name = words[at].substr(words[at].rfind('/') + 1);
  std::string target = fmt::format("name = {}, command = [{}], stdin = \"inherit\", ",
                                   quoted(name.empty() ? "run" : name), command);
  for (const auto& [key, value] : keys) target += fmt::format("{} = {}, ", key, quoted(value));
  settings.sets.push_back("targets=[{" + target + "pass_output = true}]");
  if (!rewrite.empty()) settings.sets.push_back("rewrite=[" + rewrite + "]");
  for (const char* set : {"name=run", "run=true", "silent=true", "keeper=false"})
    settings.sets.emplace_back(set);
  return settings;
}

}  // namespace banyan::cli
