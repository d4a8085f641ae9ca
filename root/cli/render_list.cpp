#include "root/cli/render_list.h"

#include <algorithm>
#include <cctype>
#include <vector>

#include <fmt/format.h>

#include "common/base/units.h"
#include "root/cli/facts.h"
#include "root/cli/table.h"
#include "root/cli/words.h"

namespace banyan::cli {

namespace {

using Items = std::vector<const json::value*>;

std::string or_dash(std::string text) { return text.empty() ? "-" : text; }

Cell plain(std::string text) { return {or_dash(std::move(text)), Colour::none, false}; }

Cell state_cell(const json::value& item, const Style& style) {
  const std::string state = text_at(item, "state");
  const bool presumed = flag_at(item, "presumed") && state != "unreachable";
  const Mark mark = mark_of_state(state, presumed);
  const std::string word = spoken(state) + (presumed ? "?" : "");
  if (!style.terminal) return {word, mark.colour, mark.bold};
  return {fmt::format("{} {}", mark.text(style), word), mark.colour, mark.bold};
}

Cell health_cell(const json::value& item) {
  const std::string health = text_at(item, "health");
  if (health.empty()) return plain("");
  const Mark mark = mark_of_health(health);
  return {health, mark.colour, false};
}

std::string last_exit_text(const json::value& item, WallTime now) {
  const json::value& last = object_at(item, "last_exit");
  const std::string how = exit_text(last), age = age_at(last, "at", now);
  return how.empty() || age == "-" ? how : how + ", " + age;
}

std::string targets_table(const Items& items, bool wide, const View& view) {
  std::vector<Column> columns{{"PATH", false, 0}, {"STATE", false, 0},   {"HEALTH", false, 0},
                              {"FOR", true, 0},   {"RESTARTS", true, 6}, {"PID", true, 5}};
  if (wide) {
    columns.insert(columns.end(), {{"CPU", true, 4},
                                   {"MEMORY", true, 3},
                                   {"FDS", true, 3},
                                   {"LAST EXIT", false, 2},
                                   {"LABELS", false, 1}});
  }
  Table table(columns);
  for (const json::value* item : items) {
    const std::string pid = text_at(*item, "pid");
    std::vector<Cell> row{plain(text_at(*item, "path")),
                          state_cell(*item, view.style),
                          health_cell(*item),
                          plain(age_at(*item, "since", view.now)),
                          plain(text_at(*item, "restarts")),
                          plain(pid == "0" ? "" : pid)};
    if (wide) {
      const auto cpu = number_at(*item, "cpu"), memory = number_at(*item, "rss_bytes");
      row.push_back(plain(cpu ? fmt::format("{:.0f} %", *cpu * 100) : ""));
      row.push_back(plain(memory ? format_size(static_cast<std::uint64_t>(*memory)) : ""));
      row.push_back(plain(text_at(*item, "open_fds")));
      row.push_back(plain(last_exit_text(*item, view.now)));
      row.push_back(plain(labels_text(*item)));
    }
    table.add(std::move(row));
  }
  return table.render(view.style);
}

std::string nodes_table(const Items& items, bool wide, const View& view) {
  std::vector<Column> columns{{"PATH", false, 0},   {"ROLE", false, 6}, {"STATE", false, 0},
                              {"HEALTH", false, 0}, {"FOR", true, 0},   {"TARGETS", true, 5},
                              {"HOST", false, 4}};
  if (wide) {
    columns.insert(
        columns.end(),
        {{"VERSION", false, 3}, {"LOAD", true, 2}, {"RTT", true, 2}, {"LABELS", false, 1}});
  }
  Table table(columns);
  for (const json::value* item : items) {
    const json::value& counts = object_at(*item, "counts");
    const TargetCounts targets =
        target_counts(member(counts, "targets") ? object_at(counts, "targets") : counts);
    std::vector<Cell> row{plain(text_at(*item, "path")),
                          plain(text_at(*item, "role")),
                          state_cell(*item, view.style),
                          health_cell(*item),
                          plain(age_at(*item, "since", view.now)),
                          plain(fmt::format("{}/{}", targets.wanted, targets.total)),
                          plain(text_at(*item, "host"))};
    if (wide) {
      const auto ms = number_at(*item, "rtt_ms");
      row.push_back(plain(text_at(*item, "version")));
      const auto load = number_at(object_at(*item, "load"), "load1");
      row.push_back(plain(load ? fmt::format("{:.2f}", *load) : ""));
      row.push_back(plain(ms ? fmt::format("{:.1f} ms", *ms) : ""));
      row.push_back(plain(labels_text(*item)));
    }
    table.add(std::move(row));
  }
  return table.render(view.style);
}

std::string outages_table(const Items& items, const View& view) {
  Table table({{"CAUSE", false, 0},
               {"KIND", false, 0},
               {"OPENED", true, 0},
               {"CLOSED", true, 0},
               {"AFFECTED", false, 0},
               {"ACKED BY", false, 2},
               {"ID", false, 1}});
  for (const json::value* item : items) {
    const json::value& affected = object_at(*item, "affected");
    const Mark mark = mark_of_outage(text_at(*item, "kind"));
    table.add({plain(text_at(*item, "root_cause")),
               {spoken(text_at(*item, "kind")), mark.colour, mark.bold},
               plain(age_at(*item, "opened", view.now)),
               plain(age_at(*item, "closed", view.now)),
               plain(count_of(integer_at(affected, "nodes"), "node") + ", " +
                     count_of(integer_at(affected, "targets"), "target")),
               plain(text_at(*item, "acked_by")),
               plain(text_at(*item, "id"))});
  }
  return table.render(view.style);
}

std::string commands_table(const Items& items, const View& view) {
  Table table({{"ID", false, 0},
               {"VERB", false, 0},
               {"SELECT", false, 0},
               {"STATE", false, 0},
               {"OUTCOMES", false, 0}});
  for (const json::value* item : items) {
    std::string outcomes;
    for (const auto& [key, count] : object_at(*item, "counts").get_object()) {
      if (text_of(count) == "0") continue;
      outcomes +=
          (outcomes.empty() ? "" : ", ") + text_of(count) + " " + visible({key.data(), key.size()});
    }
    table.add({plain(text_at(*item, "id")), plain(text_at(*item, "verb")),
               plain(text_at(*item, "select")), plain(text_at(*item, "state")), plain(outcomes)});
  }
  return table.render(view.style);
}

std::string generic_table(const Items& items, const View& view) {
  std::vector<std::string> keys;
  for (const json::value* item : items) {
    if (!item->is_object()) continue;
    for (const auto& [key, value] : item->get_object()) {
      const bool known = std::find(keys.begin(), keys.end(), std::string(key)) != keys.end();
      if (!known && !value.is_structured()) keys.emplace_back(key);
    }
  }
  std::vector<Column> columns;
  for (const std::string& key : keys) {
    std::string head = spoken(visible(key));
    std::transform(head.begin(), head.end(), head.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    columns.push_back({head, false, 0});
  }
  Table table(columns);
  for (const json::value* item : items) {
    std::vector<Cell> row;
    for (const std::string& key : keys) row.push_back(plain(text_at(*item, key)));
    table.add(std::move(row));
  }
  return keys.empty() ? "" : table.render(view.style);
}

std::string table_of(std::string_view noun, const Items& items, bool wide, const View& view) {
  if (noun == "targets") return targets_table(items, wide, view);
  if (noun == "nodes") return nodes_table(items, wide, view);
  if (noun == "outages") return outages_table(items, view);
  if (noun == "commands") return commands_table(items, view);
  return generic_table(items, view);
}

// How many rows a terminal is shown: all that need a look, and healthy ones up to its height.
std::size_t rows_to_show(const Items& items, const Style& style) {
  constexpr std::size_t least = 20;
  if (!style.terminal) return items.size();
  const std::size_t room = std::max(least, style.height > 4 ? style.height - 4 : 0);
  std::size_t urgent = 0;
  while (urgent < items.size() && rank_of(*items[urgent]) < 9) ++urgent;
  return std::min(items.size(), std::max(room, urgent + 2));
}

}  // namespace

std::string render_list(std::string_view noun, const json::array& items, bool wide,
                        const View& view) {
  Items sorted;
  for (const json::value& item : items) sorted.push_back(&item);
  const bool states = noun == "targets" || noun == "nodes";
  if (!states) return table_of(noun, sorted, wide, view);
  std::stable_sort(sorted.begin(), sorted.end(), [](const json::value* a, const json::value* b) {
    return rank_of(*a) < rank_of(*b);
  });
  const std::size_t shown = rows_to_show(sorted, view.style);
  const std::size_t hidden = sorted.size() - shown;
  sorted.resize(shown);
  std::string out = table_of(noun, sorted, wide, view);
  if (hidden > 0) {
    out += fmt::format("{} {} more, all as listed last; narrow with a selector or -o name\n",
                       view.style.ascii ? "..." : "…", hidden);
  }
  return out;
}

std::string name_of_item(const json::value& item) {
  for (const char* key : {"path", "id", "subject", "name"}) {
    const std::string found = text_at(item, key);
    if (!found.empty()) return found;
  }
  return {};
}

}  // namespace banyan::cli
