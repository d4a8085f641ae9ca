// `banyan`: a client of the REST API and of nothing else.

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "root/cli/arguments.h"
#include "root/cli/io/interrupt.h"
#include "root/cli/io/verbs.h"

namespace banyan::cli {

namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Outcome<std::string> token_of(const Arguments& arguments) {
  if (arguments.token_file.empty()) return environment("BANYAN_TOKEN");
  std::ifstream file(arguments.token_file);
  std::string token{std::istreambuf_iterator<char>(file), {}};
  if (!file) return fail(exit_usage, "cannot read the token file " + arguments.token_file);
  while (!token.empty() && std::string_view(" \r\n\t").find(token.back()) != std::string::npos) {
    token.pop_back();
  }
  return token;
}

Outcome<int> run_verb(Session& session) {
  const std::string& verb = session.arguments.verb;
  if (verb == "status") return run_status(session);
  if (verb == "tree") return run_tree(session);
  if (verb == "get") return run_get(session);
  if (verb == "describe") return run_describe(session);
  if (verb == "logs") return run_logs(session);
  if (verb == "events") return run_events(session);
  if (verb == "wait") return run_wait(session);
  if (verb == "top") return run_top(session);
  if (verb == "forget") return run_forget(session);
  if (verb == "why") return run_why(session);
  if (verb == "ping") return run_ping(session);
  if (verb == "version") return run_version(session);
  if (verb == "peers") return run_peers(session);
  return run_act(session);
}

Outcome<int> run_client(const Arguments& arguments, Terminal& terminal) {
  std::string url = arguments.url.empty() ? environment("BANYAN_URL") : arguments.url;
  const bool chosen = !url.empty();
  if (!chosen) url = default_url;
  auto address = parse_address(url);
  if (!address) return fail(exit_usage, address.error().text());
  auto token = token_of(arguments);
  if (!token) return tl::unexpected(token.error());
  const std::string select = join_selectors(arguments.selectors, arguments.labels);
  std::string verb = arguments.verb;
  if (verb == "get") verb += " " + arguments.noun;
  if (verb == "signal") verb += " " + arguments.act.signal;
  Api api(HttpClient(*std::move(address), *std::move(token)), {verb, select}, !chosen);
  if (arguments.timeout) api.set_timeout(*arguments.timeout);
  api.on_fall_back([&](const std::string& socket) {
    terminal.say("no root answers; asking the node of this host at unix://" + socket + "\n");
  });
  Session session{arguments, terminal, api, select};
  return run_verb(session);
}

int run(const std::vector<std::string>& words) {
  if (!words.empty() && (words[0] == "root" || words[0] == "relay" || words[0] == "leaf")) {
    Terminal terminal{Arguments{}};
    const Failure failure = become_daemon(words[0], {words.begin() + 1, words.end()});
    terminal.say(render_failure(failure));
    return failure.code;
  }
  if (!words.empty() && words[0] == "run") {
    Terminal terminal{Arguments{}};
    return run_command({words.begin() + 1, words.end()}, terminal);
  }
  catch_signals();
  auto arguments = parse_arguments(words);
  if (!arguments) {
    Terminal{Arguments{}}.say(render_failure(arguments.error()));
    return arguments.error().code;
  }
  Terminal terminal(*arguments);
  if (!arguments->help.empty()) {
    terminal.write(arguments->help);
    return exit_ok;
  }
  Outcome<int> code = exit_ok;
  if (arguments->verb == "explain") {
    code = run_explain(*arguments, terminal);
  } else if (arguments->verb == "config") {
    code = run_config(*arguments, terminal);
  } else if (arguments->verb == "keygen") {
    code = run_keygen(*arguments, terminal);
  } else if (arguments->verb == "enroll") {
    code = run_enroll(*arguments, terminal);
  } else if (arguments->verb == "join") {
    code = run_join(*arguments, terminal);
  } else {
    code = run_client(*arguments, terminal);
  }
  if (code) return *code;
  terminal.progress("");
  if (!code.error().message.empty()) terminal.say(render_failure(code.error()));
  return code.error().code;
}

}  // namespace

}  // namespace banyan::cli

int main(int argc, char** argv) { return banyan::cli::run({argv + 1, argv + argc}); }
