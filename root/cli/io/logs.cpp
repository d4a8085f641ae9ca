// logs: one target's text goes through as bytes; everything else is read line by line.

#include <algorithm>

#include <fmt/format.h>

#include "root/cli/io/log_reader.h"
#include "root/cli/io/verbs.h"
#include "root/cli/words.h"

namespace banyan::cli {

namespace {

Outcome<Query> query_of(const Session& session, const json::array& targets) {
  const LogArguments& log = session.arguments.log;
  const auto since = time_parameter(log.since, "--since");
  if (!since) return tl::unexpected(since.error());
  const auto until = time_parameter(log.until, "--until");
  if (!until) return tl::unexpected(until.error());
  const auto tail = count_parameter(log.tail, "-n");
  if (!tail) return tl::unexpected(tail.error());
  const bool one = targets.size() == 1;
  return Query{{"select", one ? text_at(targets.front(), "path") : session.select},
               {"tail", log.tail},
               {"since", *since},
               {"until", *until},
               {"offset", ""},
               {"grep", log.grep},
               {"level", log.level},
               {"stream", log.stream},
               {"previous", log.previous ? "1" : ""}};
}

void say_unreachable(Session& session, const json::array& targets) {
  const auto presumed =
      std::count_if(targets.begin(), targets.end(),
                    [](const json::value& target) { return flag_at(target, "presumed"); });
  if (presumed == 0) return;
  session.terminal.say(
      fmt::format("not searched: {}, unreachable now\n", count_of(presumed, "target")));
}

}  // namespace

Outcome<int> run_logs(Session& session) {
  if (session.select.empty()) {
    Failure failure{exit_usage, "say whose logs: a path, a name or a selector", {}};
    failure.steps.emplace_back("everybody's", "banyan logs '**'");
    return tl::unexpected(failure);
  }
  auto targets = session.api.list("/api/v1/targets", {{"select", session.select}});
  if (!targets) return tl::unexpected(session.api.why_no_targets(targets.error()));
  if (targets->empty()) return tl::unexpected(session.api.why_nothing());
  auto query = query_of(session, *targets);
  if (!query) return tl::unexpected(query.error());
  say_unreachable(session, *targets);
  std::vector<std::string> paths;
  for (const json::value& target : *targets) paths.push_back(text_at(target, "path"));
  const Output output = session.arguments.output;
  const bool one = paths.size() == 1;
  LogReader reader(session, *std::move(query), std::move(paths));
  const bool lines_wanted = output == Output::ndjson || output == Output::json;
  const bool bytes = output == Output::raw || (one && !session.arguments.log.follow);
  return bytes && !lines_wanted ? reader.copy_bytes() : reader.read_lines();
}

}  // namespace banyan::cli
