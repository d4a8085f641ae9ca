#include "root/cli/render_top.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "common/base/units.h"
#include "root/cli/facts.h"
#include "root/cli/table.h"
#include "root/cli/words.h"

namespace banyan::cli {

namespace {

constexpr std::size_t lines_around = 5;  // the sum, the head, what is missing
constexpr std::size_t least_rows = 5;

const char* member_of(std::string_view by) {
  if (by == "memory") return "rss_bytes";
  return by == "fds" ? "open_fds" : "cpu";
}

std::string size_text(std::optional<double> bytes) {
  return bytes ? format_size(static_cast<std::uint64_t>(*bytes)) : "-";
}

Cell plain(std::string text) { return {text.empty() ? "-" : std::move(text), Colour::none, false}; }

std::string uptime_text(const json::value& item) {
  const auto uptime = number_at(item, "uptime_s");
  return uptime ? short_duration(seconds{static_cast<std::int64_t>(*uptime)}) : "";
}

Cell state_cell(const json::value& item, const Style& style) {
  const Shown state = shown_state(item);
  const std::string mark = style.terminal ? std::string(state.mark.text(style)) + " " : "";
  return {mark + state.word, state.mark.colour, state.mark.bold};
}

std::string sum_line(const json::array& targets) {
  double cpu = 0;
  double memory = 0;
  std::int64_t measured = 0;
  for (const json::value& item : targets) {
    if (!number_at(item, "cpu")) continue;
    ++measured;
    cpu += *number_at(item, "cpu");
    memory += number_at(item, "rss_bytes").value_or(0);
  }
  return fmt::format("{}, {} measured: {:.2f} CPUs, {}\n",
                     count_of(static_cast<std::int64_t>(targets.size()), "target"), measured, cpu,
                     size_text(memory));
}

// One line for each reason, with the first node and how many more.
std::string missing_lines(const json::array& targets) {
  std::set<std::string> reasons;
  for (const json::value& item : targets) {
    const std::string reason = text_at(item, "gauges_missing");
    if (!reason.empty()) reasons.insert(reason);
  }
  std::string out;
  for (const std::string& reason : reasons) {
    if (out.size() > 1000) return out + "...\n";
    out += "not measured: " + reason + "\n";
  }
  return out;
}

}  // namespace

json::array sort_by_use(json::array targets, std::string_view by) {
  const char* name = member_of(by);
  std::stable_sort(targets.begin(), targets.end(), [&](const auto& a, const auto& b) {
    const double left = number_at(a, name).value_or(-1), right = number_at(b, name).value_or(-1);
    return left != right ? left > right : text_at(a, "path") < text_at(b, "path");
  });
  return targets;
}

std::string render_top(const json::array& sorted, std::size_t most, const View& view) {
  std::size_t rows = most == 0 ? sorted.size() : std::min(most, sorted.size());
  if (most == 0 && view.style.terminal) {
    const std::size_t height = view.style.height;
    rows = std::min(rows, std::max(least_rows, height > lines_around ? height - lines_around : 0));
  }
  Table table({{"PATH", false, 0},
               {"CPU", true, 0},
               {"MEMORY", true, 0},
               {"FDS", true, 3},
               {"PROCS", true, 2},
               {"UPTIME", true, 4},
               {"RESTARTS", true, 1},
               {"STATE", false, 5}});
  for (std::size_t i = 0; i < rows; ++i) {
    const json::value& item = sorted[i];
    const auto cpu = number_at(item, "cpu");
    table.add({plain(text_at(item, "path")), plain(cpu ? fmt::format("{:.1f} %", *cpu * 100) : ""),
               plain(size_text(number_at(item, "rss_bytes"))), plain(text_at(item, "open_fds")),
               plain(text_at(item, "processes")), plain(uptime_text(item)),
               plain(text_at(item, "restarts")), state_cell(item, view.style)});
  }
  std::string out = sum_line(sorted) + table.render(view.style);
  if (rows < sorted.size()) out += fmt::format("{} more\n", sorted.size() - rows);
  return out + missing_lines(sorted);
}

}  // namespace banyan::cli
