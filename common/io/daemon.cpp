#include "common/io/daemon.h"

#include <cstdio>
#include <string_view>

#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include "common/base/check.h"

namespace banyan::io {
namespace {

std::string_view role_name(ConfigRole role) {
  switch (role) {
    case ConfigRole::root:
      return "root";
    case ConfigRole::relay:
      return "relay";
    case ConfigRole::leaf:
      return "leaf";
  }
  return "node";
}

std::string about(ConfigRole role) {
  switch (role) {
    case ConfigRole::root:
      return "The root of a banyan tree: status, logs and commands for everything below it.";
    case ConfigRole::relay:
      return "A relay of a banyan tree: gathers the nodes below it and passes on what comes from "
             "above.";
    case ConfigRole::leaf:
      return "A leaf of a banyan tree: launches, watches, restarts and logs the targets of this "
             "host.";
  }
  return "";
}

constexpr const char* footer =
    "Signals: TERM, INT leave properly, USR2 upgrades in place. Exit: 0 left, 1 could not start, 2 "
    "usage, "
    "78 configuration.\n"
    "Every key can also be set by BANYAN_KEY in the environment.";

}  // namespace

ParsedOptions parse_daemon_options(ConfigRole role, int argc, char** argv) {
  ParsedOptions parsed;
  parsed.options.invocation = invocation_of(argc, argv);
  CLI::App app(about(role), std::string(program_name(role)));
  app.footer(footer);
  app.add_option("-c,--config", parsed.options.config, "The configuration file (TOML)")
      ->type_name("FILE");
  app.add_option("--set", parsed.options.sets, "Override one key of the file; repeatable")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_flag("--check", parsed.options.check, "Validate the configuration, print every problem");
  if (role == ConfigRole::leaf) {
    app.add_option("--dump-log", parsed.options.dump_log,
                   "Print what is kept of a target in this folder, and end")
        ->type_name("DIR");
  }
  bool version = false;
  app.add_flag("--version", version, "Print the version");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    parsed.exit_code = app.exit(error) == 0 ? 0 : 2;
    return parsed;
  }
  if (version) {
    fmt::print("{} {}\n", program_name(role), BANYAN_VERSION);
    parsed.exit_code = 0;
  }
  return parsed;
}

std::optional<int> settle_configuration(const ConfigProblems& problems,
                                        const DaemonOptions& options) {
  for (const ConfigProblem& problem : problems) fmt::print(stderr, "{}\n", problem.text);
  if (!problems.empty()) {
    fmt::print(stderr, "{} {}; nothing was started\n", problems.size(),
               problems.size() == 1 ? "problem" : "problems");
    return exit_configuration;
  }
  if (!options.check) return std::nullopt;
  fmt::print("{}: no problem found\n", options.config.empty() ? "configuration" : options.config);
  return 0;
}

v1::Handover read_handover() {
  v1::Handover handover;
  const auto text = take_handover();
  if (text && !handover.ParseFromString(*text)) {
    handover.Clear();
    fmt::print(stderr, "banyan: what the program before this one left cannot be read\n");
  }
  return handover;
}

Result<tree::Identity> make_identity(ConfigRole role, const tree::NodeConfig& config,
                                     StateDir& state_dir) {
  tree::Identity identity;
  identity.role = role_name(role);
  identity.name = config.name;
  identity.instance = state_dir.instance();
  identity.version = BANYAN_VERSION;
  char host[256] = {};
  if (gethostname(host, sizeof host - 1) == 0) identity.host = host;
  identity.boot.set_start_ms(wall_ms(state_dir.boot().started));
  identity.boot.set_random(state_dir.boot().random);
  const auto attach = state_dir.next_attach_base();
  if (!attach) return tl::unexpected(attach.error());
  identity.attach_base = *attach;
  return identity;
}

int fail_start(ConfigRole role, const Error& error) {
  fmt::print(stderr, "{}: {}\n", program_name(role), error.text());
  return 1;
}

}  // namespace banyan::io
