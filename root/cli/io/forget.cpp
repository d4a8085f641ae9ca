// forget: lost and left nodes go from the tree, with all that is known of them.

#include <fmt/format.h>

#include "root/cli/io/verbs.h"
#include "root/cli/words.h"

namespace banyan::cli {

namespace {

std::string preview(const json::array& nodes) {
  std::string text;
  for (const json::value& node : nodes) {
    text += fmt::format("  {}  {}\n", text_at(node, "path"), text_at(node, "state"));
  }
  return text;
}

// May they be forgotten? False: the person said no.
Outcome<bool> agreed(Session& session, const json::array& nodes) {
  const ActArguments& act = session.arguments.act;
  const auto count = count_of(static_cast<std::int64_t>(nodes.size()), "node");
  if (nodes.size() > 1 || act.dry_run) session.terminal.say(preview(nodes));
  if (nodes.size() == 1 || act.yes || act.dry_run) return true;
  if (session.terminal.can_ask()) return session.terminal.ask("Forget " + count + "?");
  Failure failure{
      exit_usage, "forget would drop " + count + " and there is no terminal to ask on", {}};
  failure.steps.emplace_back("do it",
                             fmt::format("banyan forget {} --yes", shell_word(session.select)));
  return tl::unexpected(failure);
}

Outcome<json::value> post(Session& session) {
  const Duration timeout = session.arguments.timeout.value_or(seconds{30});
  const auto ms = timeout / milliseconds{1};
  HttpRequest request;
  request.method = "POST";
  request.path = fmt::format("/api/v1/commands?wait={}ms", ms);
  request.body =
      json::serialize(json::object{{"verb", "forget"}, {"select", session.select}, {"ttl_ms", ms}});
  request.timeout = timeout + seconds{3};
  const HttpAnswer answer = session.api.send(request);
  if (answer.trouble != Trouble::none || !answer.ok()) {
    return tl::unexpected(session.api.failure_of(answer));
  }
  auto command = parse_json(answer.body);
  if (command) return *std::move(command);
  return fail(exit_unknown, "the command was sent, but the answer is not JSON");
}

}  // namespace

Outcome<int> run_forget(Session& session) {
  auto nodes =
      session.api.list("/api/v1/nodes", {{"select", session.select}, {"state", "lost,left"}});
  if (!nodes) return tl::unexpected(nodes.error());
  if (nodes->empty()) {
    return fail(exit_no_match,
                "no lost or left node matches " + session.select + ": only those can be forgotten");
  }
  const auto agreement = agreed(session, *nodes);
  if (!agreement) return tl::unexpected(agreement.error());
  if (!*agreement) return fail(exit_interrupted, "nothing was done");
  if (session.arguments.act.dry_run) return exit_ok;
  const auto command = post(session);
  if (!command) return tl::unexpected(command.error());
  bool all = true;
  for (const json::value& result : array_at(*command, "results")) {
    const std::string outcome = text_at(result, "outcome");
    const bool done = outcome == "done";
    all = all && done;
    const std::string why = text_at(result, "reason");
    session.terminal.write(fmt::format("{} {}{}\n", text_at(result, "path"),
                                       done ? "forgotten" : outcome,
                                       why.empty() ? "" : ": " + why));
  }
  return all ? exit_ok : exit_failed;
}

}  // namespace banyan::cli
