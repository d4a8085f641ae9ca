// status, tree, get, describe, version: one or two requests, one text.

#include <algorithm>

#include <fmt/format.h>

#include "common/base/text.h"
#include "root/cli/io/interrupt.h"
#include "root/cli/io/verbs.h"
#include "root/cli/log_lines.h"
#include "root/cli/render_describe.h"
#include "root/cli/render_events.h"
#include "root/cli/render_list.h"
#include "root/cli/render_status.h"
#include "root/cli/render_tree.h"
#include "root/cli/when.h"
#include "root/cli/words.h"

namespace banyan::cli {

namespace {

struct Drawn {
  std::string text;
  int code = exit_ok;
};

// Once, or with --watch again and again on a terminal.
template <class Draw>
Outcome<int> show(Session& session, Draw draw) {
  for (;;) {
    Outcome<Drawn> drawn = draw();
    if (!drawn) return tl::unexpected(drawn.error());
    if (session.arguments.watch) session.terminal.clear_screen();
    session.terminal.write(drawn->text);
    if (!session.arguments.watch || session.terminal.closed()) return drawn->code;
    if (!pause_for(seconds{2})) return exit_interrupted;
  }
}

std::string names_text(const json::array& items) {
  std::string out;
  for (const json::value& item : items) out += name_of_item(item) + "\n";
  return out;
}

json::value as_list(json::array items) {
  return json::object{{"items", std::move(items)}, {"continue", nullptr}};
}

Outcome<Drawn> draw_selection(Session& session) {
  auto selected = select_both(session, session.select);
  if (!selected) return tl::unexpected(selected.error());
  const View view = session.terminal.view();
  Drawn drawn;
  drawn.code = all_well(selected->nodes, selected->targets) ? exit_ok : exit_not_so;
  json::array all = selected->nodes;
  all.insert(all.end(), selected->targets.begin(), selected->targets.end());
  switch (session.arguments.output) {
    case Output::json:
      drawn.text = as_json(as_list(all), view);
      break;
    case Output::ndjson:
      drawn.text = as_ndjson(all);
      break;
    case Output::name:
      drawn.text = names_text(all);
      break;
    case Output::table:
    case Output::wide:
    case Output::text:
    case Output::raw:
      drawn.text = render_selection(selected->nodes, selected->targets, view);
      break;
  }
  return drawn;
}

Outcome<Drawn> draw_status(Session& session) {
  auto status = session.api.get("/api/v1/status", {});
  if (!status) return tl::unexpected(status.error());
  const View view = session.terminal.view();
  Drawn drawn;
  drawn.code = has_open_outage(*status) ? exit_not_so : exit_ok;
  const Output output = session.arguments.output;
  if (output == Output::json) {
    drawn.text = as_json(*status, view);
  } else if (output == Output::ndjson) {
    drawn.text = json::serialize(*status) + "\n";
  } else {
    drawn.text = render_status(*status, view);
  }
  return drawn;
}

// Who names one node wants to see its branch.
std::string with_what_is_below(const std::string& select) {
  if (select.empty() || select == "/" || select.find_first_of("*, @") != std::string::npos) {
    return select == "/" ? "" : select;
  }
  const bool path = select.find('/') != std::string::npos;
  return select + "," + (path ? "" : "**/") + select + "/**";
}

Outcome<Drawn> draw_tree(Session& session) {
  const Arguments& arguments = session.arguments;
  const std::string depth = arguments.depth ? std::to_string(*arguments.depth) : "";
  auto tree = session.api.get("/api/v1/tree",
                              {{"select", with_what_is_below(session.select)}, {"depth", depth}});
  if (!tree) return tl::unexpected(tree.error());
  const bool nothing = array_at(*tree, "children").empty() && array_at(*tree, "targets").empty();
  if (nothing && !session.select.empty()) return tl::unexpected(session.api.why_nothing());
  const View view = session.terminal.view();
  if (arguments.output == Output::json) return Drawn{as_json(*tree, view)};
  if (arguments.output == Output::ndjson) return Drawn{json::serialize(*tree) + "\n"};
  if (arguments.output == Output::name) return Drawn{tree_names(*tree)};
  return Drawn{render_tree(*tree, {arguments.all, arguments.depth}, view)};
}

Outcome<std::string> noun_of(const std::string& word) {
  const std::vector<std::string> known{"nodes", "targets", "events", "commands", "outages"};
  for (const std::string& noun : known) {
    if (word == noun || word + "s" == noun) return noun;
  }
  Failure failure{exit_usage, fmt::format("there is no list \"{}\"", word), {}};
  const auto near = did_you_mean(word, known);
  if (near) failure.steps.emplace_back("did you mean", "banyan get " + *near);
  failure.steps.emplace_back("there are", fmt::format("{}", fmt::join(known, " ")));
  return tl::unexpected(failure);
}

// The text of a list that was already fetched.
std::string list_text(Session& session, const std::string& noun, const json::array& items) {
  const View view = session.terminal.view();
  switch (session.arguments.output) {
    case Output::json:
      return as_json(as_list(items), view);
    case Output::ndjson:
      return as_ndjson(items);
    case Output::name:
      return names_text(items);
    case Output::table:
    case Output::wide:
    case Output::text:
    case Output::raw:
      break;
  }
  if (noun == "events") return render_events(items, view.style.terminal, view);
  return render_list(noun, items, session.arguments.output == Output::wide, view);
}

// The last lines of one target, or "" when they cannot be had at once.
std::string log_tail(Session& session, const std::string& path) {
  HttpRequest request;
  request.path =
      with_query("/api/v1/logs", {{"select", path}, {"tail", "5"}, {"format", "ndjson"}});
  request.timeout = seconds{2};
  const HttpAnswer answer = session.api.send(request);
  if (!answer.ok()) return {};
  const View view = session.terminal.view();
  std::string out;
  std::string_view rest = answer.body;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const auto line = parse_log_line(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (!line || line->gap_bytes > 0) continue;
    out += line->time ? clock_text_ms(*line->time, view.utc_offset) + " " : "";
    out += cut(visible(line->line), view.style.width > 13 ? view.style.width - 13 : 0) + "\n";
  }
  return out;
}

std::string describe_one(Session& session, const json::value& item, bool target) {
  const std::string path = text_at(item, "path");
  auto events = session.api.list("/api/v1/events", {{"select", path}}, 5);
  const bool reachable = target && !flag_at(item, "presumed");
  return render_describe(item, events.value_or(json::array()),
                         reachable ? log_tail(session, path) : "", session.terminal.view());
}

Failure needs_selector(const Session& session) {
  const std::string& verb = session.arguments.verb;
  return {exit_usage,
          "say what to " + verb + ": a path, a name or a selector",
          {{"what there is", "banyan tree --all"}, {"everything", "banyan " + verb + " '**'"}}};
}

}  // namespace

Outcome<int> run_status(Session& session) {
  return show(session, [&] {
    const bool whole = session.select.empty() || session.select == "/";
    return whole ? draw_status(session) : draw_selection(session);
  });
}

Outcome<int> run_tree(Session& session) {
  return show(session, [&] { return draw_tree(session); });
}

Outcome<int> run_get(Session& session) {
  const auto noun = noun_of(session.arguments.noun);
  if (!noun) return tl::unexpected(noun.error());
  const auto since = time_parameter(session.arguments.log.since, "--since");
  if (!since) return tl::unexpected(since.error());
  const auto most = count_parameter(session.arguments.log.tail, "--limit");
  if (!most) return tl::unexpected(most.error());
  if ((*noun == "commands" || *noun == "outages") && !session.select.empty()) {
    Failure failure{exit_usage, "get " + *noun + " takes no selector", {}};
    failure.steps.emplace_back("all of them", "banyan get " + *noun);
    return tl::unexpected(failure);
  }
  const bool facts = *noun == "nodes" || *noun == "targets";
  const bool gauges = facts && session.arguments.output == Output::wide;
  auto items = session.api.list("/api/v1/" + *noun,
                                {{"select", session.select},
                                 {"state", session.arguments.state},
                                 {"since", *since},
                                 {"kind", session.arguments.log.kind},
                                 {"gauges", gauges ? "1" : ""}},
                                most->value_or(0));
  if (!items) return tl::unexpected(items.error());
  const bool whole = session.select.empty() || *noun == "events" || *noun == "commands";
  if (items->empty() && !whole) return tl::unexpected(session.api.why_nothing());
  session.terminal.write(list_text(session, *noun, *items));
  return exit_ok;
}

Outcome<int> run_describe(Session& session) {
  if (session.select.empty()) return tl::unexpected(needs_selector(session));
  auto selected = select_both(session, session.select, true);
  if (!selected) return tl::unexpected(selected.error());
  json::array all = selected->nodes;
  all.insert(all.end(), selected->targets.begin(), selected->targets.end());
  const Output output = session.arguments.output;
  if (output == Output::json || output == Output::ndjson || output == Output::name) {
    session.terminal.write(list_text(session, "targets", all));
    return exit_ok;
  }
  std::string separator;
  for (const json::value& node : selected->nodes) {
    session.terminal.write(separator + describe_one(session, node, false));
    separator = "\n";
  }
  if (!selected->nodes.empty() && !selected->targets.empty()) {
    session.terminal.write(separator + list_text(session, "targets", selected->targets));
    return exit_ok;
  }
  for (const json::value& target : selected->targets) {
    if (interrupted()) return exit_interrupted;
    session.terminal.write(separator + describe_one(session, target, true));
    separator = "\n";
  }
  return exit_ok;
}

Outcome<int> run_version(Session& session) {
  session.terminal.write("banyan   " BANYAN_VERSION "\n");
  session.api.set_timeout(seconds{2});
  const auto answer = session.api.get("/version", {});
  const std::string version = answer ? text_at(*answer, "version") : "";
  if (!version.empty()) {
    session.terminal.write("root     " + version + "\n");
  } else {
    session.terminal.say("no root answers at " + session.api.shown_url() + "\n");
  }
  return exit_ok;
}

}  // namespace banyan::cli
