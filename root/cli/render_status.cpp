#include "root/cli/render_status.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "root/cli/facts.h"
#include "root/cli/table.h"
#include "root/cli/words.h"

namespace banyan::cli {

namespace {

std::string counts_line(const json::value& counts, std::initializer_list<const char*> keys) {
  std::string out;
  for (const char* key : keys) {
    const std::int64_t count = integer_at(counts, key);
    if (count == 0) continue;
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", count, spoken(key));
  }
  return out.empty() ? "none" : out;
}

// Worst first, then youngest first.
std::vector<const json::value*> open_outages(const json::value& status) {
  std::vector<const json::value*> open;
  for (const json::value& outage : array_at(status, "outages")) {
    if (text_at(outage, "closed").empty()) open.push_back(&outage);
  }
  const auto reach = [](const json::value* outage) {
    const json::value& affected = object_at(*outage, "affected");
    return integer_at(affected, "nodes") + integer_at(affected, "targets");
  };
  std::stable_sort(open.begin(), open.end(), [&](const json::value* a, const json::value* b) {
    if (reach(a) != reach(b)) return reach(a) > reach(b);
    return text_at(*a, "opened") > text_at(*b, "opened");
  });
  return open;
}

std::string reach_line(const json::value& affected) {
  const std::int64_t nodes = integer_at(affected, "nodes");
  const std::int64_t targets = integer_at(affected, "targets");
  if (nodes > 0) {
    return fmt::format("    {} behind it {} unreachable, {} presumed.\n", count_of(nodes, "node"),
                       nodes == 1 ? "is" : "are", count_of(targets, "target"));
  }
  if (targets > 0) return fmt::format("    {} affected.\n", count_of(targets, "target"));
  return {};
}

std::string outage_head(const json::value& outage, std::size_t width, const View& view) {
  const std::string kind = text_at(outage, "kind");
  const Mark mark = mark_of_outage(kind);
  std::string line = fmt::format(
      "{} {}  {}  {}", shown(mark, view.style),
      paint(pad_right(text_at(outage, "root_cause"), width), Colour::none, true, view.style),
      paint(pad_right(spoken(kind), 12), mark, view.style),
      pad_left(age_at(outage, "opened", view.now), 6));
  const std::string acked = text_at(outage, "acked_by");
  if (!acked.empty()) line += "   acked by " + acked;
  return line + "\n";
}

// The newest of the evidence: the last lines say why it is so.
std::string outage_body(const json::value& outage, const View& view) {
  std::string out = reach_line(object_at(outage, "affected"));
  const json::value* evidence = member(outage, "evidence");
  if (evidence == nullptr || evidence->is_null()) return out;
  if (!evidence->is_array()) return out + "    " + evidence_line(*evidence, view) + "\n";
  constexpr std::size_t most = 3;
  const json::array& chain = evidence->get_array();
  for (std::size_t i = chain.size() - std::min(most, chain.size()); i < chain.size(); ++i) {
    out += "    " + evidence_line(chain[i], view) + "\n";
  }
  return out;
}

std::string headline(const json::value& status, std::size_t outages, const View& view) {
  const json::value& nodes = object_at(status, "nodes");
  const TargetCounts targets = target_counts(object_at(status, "targets"));
  const std::string reach =
      fmt::format("{} of {} nodes up, {} of {} targets as wanted", integer_at(nodes, "up"),
                  integer_at(nodes, "total"), targets.wanted, targets.total);
  if (outages > 0) {
    const Mark mark = mark_of_state("lost");
    const std::string count = count_of(static_cast<std::int64_t>(outages), "outage");
    return fmt::format("{} {}: {}\n", shown(mark, view.style), paint(count, mark, view.style),
                       reach);
  }
  const bool healthy =
      integer_at(nodes, "up") + integer_at(nodes, "left") == integer_at(nodes, "total") &&
      targets.wanted == targets.total;
  const Mark mark = healthy ? mark_of_state("up") : mark_of_health("degraded");
  const std::string name = text_at(status, "name").empty() ? "root" : text_at(status, "name");
  return fmt::format("{} {} {}: {}\n", shown(mark, view.style), name,
                     healthy ? "is healthy" : "has no outage", reach);
}

std::string quiet_line(const json::value& status, const View& view) {
  std::string out;
  const std::string outage = age_at(status, "last_outage", view.now);
  const std::string change = age_at(status, "last_change", view.now);
  if (outage != "-") out = outage + " without an outage";
  if (change != "-") out += (out.empty() ? "" : "; ") + ("last change " + change + " ago");
  return out.empty() ? out : "quiet     " + out + "\n";
}

std::string about_line(const json::value& status, const View& view) {
  std::string out = pad_right("root", 10) + text_at(status, "version");
  for (const char* key : {"started", "since"}) {
    const std::string age = age_at(status, key, view.now);
    if (age == "-") continue;
    out += ", up " + age;
    break;
  }
  const std::string revision = text_at(status, "revision");
  return out + (revision.empty() ? "" : ", revision " + revision) + "\n";
}

}  // namespace

bool has_open_outage(const json::value& status) { return !open_outages(status).empty(); }

std::string render_status(const json::value& status, const View& view) {
  const auto outages = open_outages(status);
  std::string out = headline(status, outages.size(), view) + "\n";
  std::size_t width = 0;
  for (const json::value* outage : outages) {
    width = std::max(width, width_of(text_at(*outage, "root_cause")));
  }
  for (const json::value* outage : outages) {
    out += outage_head(*outage, width, view) + outage_body(*outage, view);
  }
  if (!outages.empty()) out += "\n";
  out += "nodes     " +
         counts_line(object_at(status, "nodes"), {"up", "suspect", "lost", "unreachable", "left"}) +
         "\n";
  out += "targets   " +
         counts_line(object_at(status, "targets"),
                     {"running", "exited", "starting", "pending", "stopping", "backing_off",
                      "failed", "stopped", "presumed"}) +
         "\n";
  if (!outages.empty()) {
    return out + "more      banyan describe " +
           shell_word(text_at(*outages.front(), "root_cause")) + "\n";
  }
  return out + quiet_line(status, view) + about_line(status, view);
}

std::string render_selection(const json::array& nodes, const json::array& targets,
                             const View& view) {
  std::vector<const json::value*> items;
  for (const json::array* list : {&nodes, &targets}) {
    for (const json::value& item : *list) items.push_back(&item);
  }
  std::stable_sort(items.begin(), items.end(), [](const json::value* a, const json::value* b) {
    return rank_of(*a) < rank_of(*b);
  });
  Table table({{"", false, 0}, {"", false, 0}, {"", true, 0}, {"", false, 0}});
  std::size_t well = 0;
  for (const json::value* item : items) {
    const Shown state = shown_state(*item);
    const bool quiet = rank_of(*item) == 9;
    if (quiet) ++well;
    table.add({{text_at(*item, "path"), Colour::none, !quiet},
               {fmt::format("{} {}", state.mark.text(view.style), state.word), state.mark.colour,
                state.mark.bold},
               {age_at(*item, "since", view.now), Colour::none, false},
               {quiet ? "" : reason_of(*item), state.mark.colour, false}});
  }
  const bool all = all_well(nodes, targets);
  const Mark mark = all ? mark_of_state("up") : mark_of_state("lost");
  return table.render(view.style) +
         fmt::format("{} {} of {} running or up\n", shown(mark, view.style), well, items.size());
}

bool all_well(const json::array& nodes, const json::array& targets) {
  const auto is_up = [](const json::value& node) { return text_at(node, "state") == "up"; };
  const auto runs = [](const json::value& target) {
    return text_at(target, "state") == "running" && !flag_at(target, "presumed");
  };
  return std::all_of(nodes.begin(), nodes.end(), is_up) &&
         std::all_of(targets.begin(), targets.end(), runs);
}

}  // namespace banyan::cli
