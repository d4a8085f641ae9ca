// top: what targets use now; again and again on a terminal, once elsewhere.

#include "root/cli/io/interrupt.h"
#include "root/cli/io/verbs.h"
#include "root/cli/render_top.h"

namespace banyan::cli {

namespace {

constexpr Duration pause = seconds{2};

Outcome<std::string> draw(Session& session, std::size_t most) {
  auto targets = session.api.list("/api/v1/targets", {{"select", session.select}, {"gauges", "1"}});
  if (!targets) return tl::unexpected(targets.error());
  if (targets->empty() && !session.select.empty()) {
    return tl::unexpected(session.api.why_nothing());
  }
  const json::array sorted = sort_by_use(*std::move(targets), session.arguments.sort);
  const View view = session.terminal.view();
  switch (session.arguments.output) {
    case Output::json:
      return as_json(json::object{{"items", sorted}, {"continue", nullptr}}, view);
    case Output::ndjson:
      return as_ndjson(sorted);
    case Output::name: {
      std::string names;
      for (const json::value& item : sorted) names += text_at(item, "path") + "\n";
      return names;
    }
    case Output::table:
    case Output::wide:
    case Output::text:
    case Output::raw:
      break;
  }
  return render_top(sorted, most, view);
}

}  // namespace

Outcome<int> run_top(Session& session) {
  const auto most = count_parameter(session.arguments.log.tail, "--limit");
  if (!most) return tl::unexpected(most.error());
  const Output output = session.arguments.output;
  const bool drawn = output == Output::table || output == Output::wide;
  const bool again = drawn && session.terminal.view().style.terminal && !session.arguments.once;
  for (;;) {
    auto text = draw(session, most->value_or(0));
    if (!text) return tl::unexpected(text.error());
    if (again) session.terminal.clear_screen();
    session.terminal.write(*text);
    if (!again || session.terminal.closed()) return exit_ok;
    if (!pause_for(pause)) return exit_ok;  // the way to leave it
  }
}

}  // namespace banyan::cli
