// why, ping: what is known of the way to a node, as it was judged and as it is now.

#include <set>

#include <fmt/format.h>

#include "common/base/name.h"
#include "root/cli/facts.h"
#include "root/cli/io/verbs.h"
#include "root/cli/render_why.h"
#include "root/cli/url.h"

namespace banyan::cli {

namespace {

// The nodes of the selection and those that its targets run on.
Outcome<std::set<std::string>> selected_nodes(Session& session) {
  if (session.select.empty()) {
    return fail(exit_usage, session.arguments.verb + " needs a path: banyan " +
                                session.arguments.verb + " dc1/web-1");
  }
  auto selected = select_both(session, session.select);
  if (!selected) return tl::unexpected(selected.error());
  std::set<std::string> paths;
  for (const json::value& node : selected->nodes) paths.insert(text_at(node, "path"));
  for (const json::value& target : selected->targets) {
    paths.emplace(split_last(text_at(target, "path")).first);
  }
  paths.erase("");
  return paths;
}

}  // namespace

Outcome<int> run_why(Session& session) {
  const auto paths = selected_nodes(session);
  if (!paths) return tl::unexpected(paths.error());
  json::array all;
  std::string text;
  for (const std::string& path : *paths) {
    json::array way;
    std::string at;
    for (const auto name : split_path(path)) {
      at = join_path(at, name);
      auto node = session.api.get("/api/v1/nodes/" + at, {});
      if (!node) return tl::unexpected(node.error());
      way.push_back(*std::move(node));
    }
    text += (text.empty() ? "" : "\n") + render_why(way, session.terminal.view());
    all.insert(all.end(), way.begin(), way.end());
  }
  const Output output = session.arguments.output;
  if (output == Output::json) text = as_json(all, session.terminal.view());
  if (output == Output::ndjson) text = as_ndjson(all);
  session.terminal.write(text);
  return exit_ok;
}

Outcome<int> run_ping(Session& session) {
  const auto paths = selected_nodes(session);
  if (!paths) return tl::unexpected(paths.error());
  bool all = true;
  for (const std::string& path : *paths) {
    session.api.set_timeout(session.arguments.timeout.value_or(seconds{12}));
    const auto answer = session.api.get("/api/v1/ping/" + path, {});
    if (!answer) return tl::unexpected(answer.error());
    all = all && text_at(*answer, "broken").empty();
    session.terminal.write(session.arguments.output == Output::json
                               ? as_json(*answer, session.terminal.view())
                               : render_ping(*answer));
  }
  return all ? exit_ok : exit_not_so;
}

}  // namespace banyan::cli
