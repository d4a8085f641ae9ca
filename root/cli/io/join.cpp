// join: what `enroll` printed, typed on the new host. Makes the host's key (its secret stays
// here), has it listed at the parent by the token, and writes a configuration to begin with.

#include <cstdlib>
#include <filesystem>
#include <thread>

#include <fmt/format.h>
#include <unistd.h>

#include "common/base/name.h"
#include "common/base/text.h"
#include "common/io/clock.h"
#include "common/io/config_address.h"
#include "common/io/enrol_client.h"
#include "common/io/files.h"
#include "common/io/link_keys.h"
#include "root/cli/io/interrupt.h"
#include "root/cli/io/verbs.h"

namespace banyan::cli {
namespace {

namespace fs = std::filesystem;

constexpr Duration default_patience = seconds{60};
constexpr Duration attempt_patience = seconds{10};
constexpr Duration between_attempts = seconds{5};

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string directory_of(const Arguments& arguments) {
  if (!arguments.enrol.directory.empty()) {
    return fs::absolute(arguments.enrol.directory).lexically_normal().string();
  }
  if (::geteuid() == 0) return "/etc/banyan";
  const std::string config = variable("XDG_CONFIG_HOME");
  return (config.empty() ? variable("HOME") + "/.config" : config) + "/banyan";
}

tl::unexpected<Failure> refuse(int code, std::string message, std::string hint = {}) {
  Failure failure{code, std::move(message), {}};
  if (!hint.empty()) failure.steps.emplace_back("", std::move(hint));
  return tl::unexpected(std::move(failure));
}

// One that an earlier attempt has made is used again.
Outcome<io::KeyPair> own_key(const std::string& file) {
  std::error_code error;
  if (fs::exists(file, error)) {
    auto pair = io::read_key_file(file);
    if (!pair) return tl::unexpected(failure_of(pair.error()));
    return *std::move(pair);
  }
  io::KeyPair pair = io::make_key_pair();
  if (const auto written = io::write_key_file(file, pair); !written) {
    return tl::unexpected(failure_of(written.error()));
  }
  return pair;
}

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

std::string config_text(const Arguments& arguments, const tree::Address& parent,
                        const std::string& key_file) {
  std::string commands;
  for (const std::string& word : arguments.enrol.commands) {
    const auto at = word.find('@');
    commands += commands.empty() ? "" : ", ";
    commands += at == std::string::npos ? quoted(word)
                                        : quoted(word.substr(0, at) + " " + word.substr(at + 1));
  }
  std::string text = fmt::format("name = \"{}\"\nparent_host = \"{}\"\nparent_port = {}\n",
                                 arguments.noun, parent.host, parent.port);
  text += arguments.role == "relay" ? "# host = \"0.0.0.0\"   # where its own children come in\n"
                                    : "# target = \"COMMAND\"\n";
  text += fmt::format("\n[security]\nkey_file = \"{}\"\nparent_key = \"{}\"\nenrolled = \"{}\"\n",
                      key_file, arguments.enrol.parent_key, arguments.enrol.path);
  if (!commands.empty()) text += fmt::format("command_keys = [{}]\n", commands);
  if (arguments.role == "relay") text += "authorized_keys = \"authorized_keys\"\n";
  return text;
}

Outcome<io::EnrolTry> read_attempt(const Arguments& arguments) {
  io::EnrolTry attempt;
  const EnrolArguments& enrol = arguments.enrol;
  if (!is_name(arguments.noun)) return refuse(exit_usage, "not a name: " + arguments.noun);
  const bool path = is_path(enrol.path) && split_last(enrol.path).second == arguments.noun;
  if (!path) return refuse(exit_usage, "--path does not end in the name of this node");
  if (!io::is_key(enrol.parent_key)) return refuse(exit_usage, "--parent-key is no public key");
  for (const std::string& word : enrol.commands) {
    if (io::is_key(word.substr(0, word.find('@')))) continue;
    return refuse(exit_usage, "--commands: expected KEY or KEY@PATH");
  }
  const auto address = io::parse_address(enrol.address);
  if (!address) return tl::unexpected(failure_of(address.error()));
  auto token = io::key_pair_of(variable("BANYAN_JOIN_TOKEN"));
  if (!token) {
    return refuse(exit_usage, "BANYAN_JOIN_TOKEN holds no token",
                  "type the whole line that banyan enroll printed on the parent's host");
  }
  attempt.parent = *address;
  attempt.parent_key = enrol.parent_key;
  attempt.token = *std::move(token);
  return attempt;
}

// Until the parent has answered; who cannot be reached is tried again.
Outcome<v1::EnrolAnswer> ask_long(const io::EnrolTry& attempt, Duration patience,
                                  Terminal& terminal) {
  const Time end = after(io::read_clock().time, patience);
  for (;;) {
    auto answer = io::ask_to_join(attempt, std::min(attempt_patience, patience));
    if (answer) return *std::move(answer);
    const std::string token = io::fingerprint(attempt.token.public_key);
    if (answer.error().refused) {
      return refuse(
          exit_denied,
          fmt::format("{}; token {}, expected key of the parent {}", answer.error().error.text(),
                      token, io::fingerprint(attempt.parent_key)),
          "the parent does not know this token: enroll again, on its host");
    }
    if (interrupted() || after(io::read_clock().time, between_attempts) >= end) {
      return tl::unexpected(failure_of(answer.error().error));
    }
    terminal.say(answer.error().error.text() + "; trying again\n");
    std::this_thread::sleep_for(between_attempts);
  }
}

}  // namespace

Outcome<int> run_join(const Arguments& given, Terminal& terminal) {
  Arguments arguments = given;
  if (arguments.role.empty()) arguments.role = "leaf";
  auto attempt = read_attempt(arguments);
  if (!attempt) return tl::unexpected(attempt.error());
  const std::string directory = directory_of(arguments);
  if (const auto made = io::make_directory(directory); !made) {
    return tl::unexpected(failure_of(made.error()));
  }
  const std::string key_file = fmt::format("{}/{}.key", directory, arguments.noun);
  const auto own = own_key(key_file);
  if (!own) return tl::unexpected(own.error());
  char host[256] = {};
  ::gethostname(host, sizeof host - 1);
  attempt->ask.set_key(own->public_key);
  attempt->ask.set_name(arguments.noun);
  attempt->ask.set_host(host);
  attempt->ask.set_version(BANYAN_VERSION);
  const auto answer = ask_long(*attempt, arguments.timeout.value_or(default_patience), terminal);
  if (!answer) return tl::unexpected(answer.error());
  if (!answer->admitted()) {
    return refuse(
        exit_denied,
        fmt::format("the parent refused: {}: {} (own key {}, token {})", visible(answer->reason()),
                    visible(answer->text()), io::fingerprint(own->public_key),
                    io::fingerprint(attempt->token.public_key)),
        "enroll again, on the parent's host");
  }
  const std::string file = fmt::format("{}/{}.toml", directory, arguments.role);
  const std::string text = config_text(arguments, attempt->parent, key_file);
  std::error_code error;
  terminal.say(fmt::format("{} is listed at {} with the key {}\n", arguments.noun,
                           arguments.enrol.address, io::fingerprint(own->public_key)));
  if (fs::exists(file, error)) {
    terminal.say(file + " is there already and was left alone; what it has to say:\n");
    terminal.write(text);
    return exit_ok;
  }
  if (const auto written = io::write_file_atomically(file, text); !written) {
    return tl::unexpected(failure_of(written.error()));
  }
  const std::string list = directory + "/authorized_keys";
  if (arguments.role == "relay" && !fs::exists(list, error)) {
    if (const auto made = io::write_file_atomically(list, "# who may join\n"); !made) {
      return tl::unexpected(failure_of(made.error()));
    }
  }
  terminal.say(fmt::format("wrote {}; next: banyan {} --config {}\n", file, arguments.role, file));
  return exit_ok;
}

}  // namespace banyan::cli
