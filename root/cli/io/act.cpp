// start, stop, restart, signal, scale: preview, question, one command, one line for each outcome.

#include <algorithm>
#include <cctype>
#include <random>
#include <set>

#include <fmt/format.h>

#include "common/base/name.h"
#include "root/cli/io/verbs.h"
#include "root/cli/render_command.h"
#include "root/cli/words.h"

namespace banyan::cli {

namespace {

constexpr Duration default_timeout = seconds{30};
// The API gives every target an outcome a second after the time to live.
constexpr milliseconds settle{3000};
constexpr Duration poll_every = milliseconds{200};

std::string new_id() {
  std::random_device source;
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", source(), source(), source(), source());
}

// SIGTERM, sigterm and term are TERM.
std::string signal_name(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text.rfind("SIG", 0) == 0 ? text.substr(3) : text;
}

// One for each group of instances, as the first of them, by the group's path.
json::array groups_of(const json::array& targets) {
  json::array groups;
  std::set<std::string> seen;
  for (const json::value& target : targets) {
    const std::string node = text_at(target, "node"), group = text_at(target, "group");
    const std::string path = join_path(node == "/" ? "" : node, group);
    if (group.empty() || !seen.insert(path).second) continue;
    json::object item = target.get_object();
    item["path"] = path;
    groups.emplace_back(std::move(item));
  }
  return groups;
}

class Action {
 public:
  explicit Action(Session& session)
      : session_(session),
        acting_{session.arguments.verb, session.select},
        timeout_(session.arguments.timeout.value_or(default_timeout)) {
    if (acting_.verb == "signal") acting_.verb += " " + signal();
    if (acting_.verb == "scale") {
      acting_.select += fmt::format("={}", session.arguments.act.instances);
    }
  }

  Outcome<int> run();

 private:
  std::string signal() const { return signal_name(session_.arguments.act.signal); }
  Outcome<bool> agreed(const json::array& targets);
  std::string question(const json::array& targets) const;
  HttpRequest request() const;
  Outcome<json::value> post();
  Outcome<json::value> follow(json::value command);
  Failure in_doubt(const HttpAnswer& answer) const;
  void print_results(const json::value& command);
  Outcome<int> finish(const json::value& command);

  Session& session_;
  Acting acting_;
  Duration timeout_;
  std::string id_ = new_id();
  Time began_{};
  OutcomeContext context_;
  std::set<std::string> printed_;
};

std::string Action::question(const json::array& targets) const {
  const auto reachable =
      std::count_if(targets.begin(), targets.end(),
                    [](const json::value& target) { return !flag_at(target, "presumed"); });
  std::string verb = acting_.verb;
  verb.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(verb.front())));
  return fmt::format("{} {}?", verb, count_of(reachable, "target"));
}

// May the command be sent? False: the person said no.
Outcome<bool> Action::agreed(const json::array& targets) {
  const ActArguments& act = session_.arguments.act;
  const bool many = targets.size() > 1;
  Terminal& terminal = session_.terminal;
  if (many || act.dry_run) {
    terminal.say(render_preview(acting_, targets, terminal.talk_view()));
  }
  if (!many || act.yes || act.dry_run) return true;
  if (terminal.can_ask()) return terminal.ask(question(targets));
  Failure failure{exit_usage,
                  fmt::format("{} would act on {} and there is no terminal to ask on", acting_.verb,
                              count_of(static_cast<std::int64_t>(targets.size()), "target")),
                  {}};
  failure.steps.emplace_back(
      "do it", fmt::format("banyan {} {} --yes", acting_.verb, shell_word(acting_.select)));
  failure.steps.emplace_back(
      "only look", fmt::format("banyan {} {} --dry-run", acting_.verb, shell_word(acting_.select)));
  return tl::unexpected(failure);
}

HttpRequest Action::request() const {
  const auto ms = std::chrono::duration_cast<milliseconds>(timeout_).count();
  json::object args;
  if (session_.arguments.verb == "signal") args["signal"] = signal();
  if (session_.arguments.verb == "scale") args["instances"] = session_.arguments.act.instances;
  json::object body{{"id", id_},
                    {"verb", session_.arguments.verb},
                    {"select", session_.select},
                    {"args", std::move(args)},
                    {"ttl_ms", ms}};
  const ActArguments& act = session_.arguments.act;
  if (act.parallel > 0) body["max_parallel"] = act.parallel;
  if (act.failures > 0) body["stop_after_failures"] = act.failures;
  HttpRequest request;
  request.method = "POST";
  request.path = "/api/v1/commands";
  if (!session_.arguments.act.no_wait)
    request.path += fmt::format("?wait={}ms", ms + settle.count());
  request.body = json::serialize(body);
  request.timeout = timeout_ + 2 * settle;
  return request;
}

Failure Action::in_doubt(const HttpAnswer& answer) const {
  Failure failure{
      exit_unknown, "the command was sent and its outcome is not known: " + answer.why, {}};
  if (answer.trouble == Trouble::interrupted) {
    failure.code = exit_interrupted;
    failure.message = "interrupted; the command goes on";
  }
  failure.steps.emplace_back("command", id_);
  failure.steps.emplace_back("look", "banyan status " + shell_word(acting_.select));
  return failure;
}

// The same id again never acts twice, so a lost connection is tried once more.
Outcome<json::value> Action::post() {
  HttpAnswer answer = session_.api.send(request());
  if (answer.trouble == Trouble::unreachable) {
    return tl::unexpected(session_.api.failure_of(answer));
  }
  if (answer.trouble == Trouble::broken) answer = session_.api.send(request());
  if (answer.trouble != Trouble::none) return tl::unexpected(in_doubt(answer));
  if (!answer.ok()) return tl::unexpected(session_.api.failure_of(answer));
  auto command = parse_json(answer.body);
  if (command) return *std::move(command);
  answer.why = "the answer is not JSON";
  return tl::unexpected(in_doubt(answer));
}

void Action::print_results(const json::value& command) {
  const View view = session_.terminal.view();
  session_.terminal.progress("");
  const json::array& results = array_at(command, "results");
  for (const json::value& result : results) {
    if (text_at(result, "outcome").empty()) continue;
    if (!printed_.insert(text_at(result, "path")).second) continue;
    if (session_.arguments.output == Output::table || session_.arguments.output == Output::wide) {
      session_.terminal.write(render_outcome(result, context_, view));
    } else if (session_.arguments.output == Output::ndjson) {
      session_.terminal.write(json::serialize(result) + "\n");
    } else if (session_.arguments.output == Output::name) {
      session_.terminal.write(text_at(result, "path") + "\n");
    }
  }
}

// The server waited less than asked for: look again until the time is up.
Outcome<json::value> Action::follow(json::value command) {
  HttpRequest request;
  request.path = "/api/v1/commands/" + text_at(command, "id");
  // A batch has the whole time, and as much to be ready again: it ends when the root says so.
  const bool batches = session_.arguments.act.parallel > 0;
  const auto has_time = [&] { return batches || boot_time() - began_ < timeout_ + settle; };
  while (text_at(command, "state") == "running" && has_time()) {
    print_results(command);
    session_.terminal.progress(
        fmt::format("{} of {}", printed_.size(), integer_at(command, "targets")));
    if (!pause_for(poll_every)) {
      return tl::unexpected(in_doubt({0, "", Trouble::interrupted, ""}));
    }
    const HttpAnswer answer = session_.api.send(request);
    if (answer.trouble == Trouble::interrupted) return tl::unexpected(in_doubt(answer));
    if (!answer.ok()) continue;
    if (auto newer = parse_json(answer.body)) command = *std::move(newer);
  }
  return command;
}

Outcome<int> Action::finish(const json::value& command) {
  const Duration elapsed = boot_time() - began_;
  if (context_.before.size() == 1) context_.elapsed = elapsed;
  print_results(command);
  Terminal& terminal = session_.terminal;
  if (session_.arguments.output == Output::json) terminal.write(as_json(command, terminal.view()));
  terminal.say(render_sum(acting_, command, elapsed, terminal.talk_view()));
  return exit_code_of(command);
}

Outcome<int> Action::run() {
  auto targets = session_.api.list("/api/v1/targets", {{"select", session_.select}});
  if (!targets) return tl::unexpected(session_.api.why_no_targets(targets.error()));
  if (targets->empty()) return tl::unexpected(session_.api.why_nothing());
  if (session_.arguments.verb == "scale") *targets = groups_of(*targets);
  const auto agreement = agreed(*targets);
  if (!agreement) return tl::unexpected(agreement.error());
  if (!*agreement) return tl::unexpected(Failure{exit_interrupted, "nothing was done", {}});
  if (session_.arguments.act.dry_run) return exit_ok;
  context_ = outcome_context(*targets);
  began_ = boot_time();
  auto command = post();
  if (!command) return tl::unexpected(command.error());
  if (session_.arguments.act.no_wait) {
    session_.terminal.write(text_at(*command, "id") + "\n");
    return exit_ok;
  }
  command = follow(*std::move(command));
  if (!command) return tl::unexpected(command.error());
  return finish(*command);
}

}  // namespace

Outcome<int> run_act(Session& session) {
  if (session.select.empty()) {
    const std::string& verb = session.arguments.verb;
    Failure failure{exit_usage, "say what to " + verb + ": a path, a name or a selector", {}};
    failure.steps.emplace_back("what there is", "banyan tree --all");
    failure.steps.emplace_back("everything", "banyan " + verb + " '**'");
    return tl::unexpected(failure);
  }
  return Action(session).run();
}

}  // namespace banyan::cli
