#include "root/cli/render_command.h"

#include <algorithm>
#include <set>
#include <vector>

#include <fmt/format.h>

#include "common/base/name.h"
#include "root/cli/facts.h"
#include "root/cli/outcome.h"
#include "root/cli/table.h"
#include "root/cli/words.h"

namespace banyan::cli {

namespace {

constexpr const char* outcomes[] = {"done",        "failed",  "rejected",
                                    "unreachable", "expired", "unknown"};

struct Group {
  Mark mark;
  std::string word;
  std::vector<std::string> paths;
};

std::vector<Group> groups_of(const json::array& targets) {
  std::vector<Group> groups;
  for (const json::value& target : targets) {
    Shown state = shown_state(target);
    if (flag_at(target, "presumed")) state.word = "unreachable";
    auto group = std::find_if(groups.begin(), groups.end(),
                              [&](const Group& known) { return known.word == state.word; });
    if (group == groups.end()) group = groups.insert(group, {state.mark, state.word, {}});
    group->paths.push_back(text_at(target, "path"));
  }
  return groups;
}

std::string span_of(const std::vector<std::string>& paths) {
  if (paths.size() == 1) return paths.front();
  if (paths.size() <= 3) return fmt::format("{}", fmt::join(paths, ", "));
  return paths.front() + " .. " + paths.back();
}

// Counts of the answer, or counted from its results.
std::int64_t count_of_outcome(const json::value& command, std::string_view outcome) {
  const json::value& counts = object_at(command, "counts");
  if (!counts.get_object().empty()) return integer_at(counts, outcome);
  const json::array& results = array_at(command, "results");
  return std::count_if(results.begin(), results.end(), [&](const json::value& result) {
    return text_at(result, "outcome") == outcome;
  });
}

std::string elapsed_text(const json::value& result, const OutcomeContext& context) {
  for (const char* key : {"took_ms", "elapsed_ms", "ms"}) {
    if (const auto ms = number_at(result, key)) return fmt::format("{:.2f}s", *ms / 1000);
  }
  if (!context.elapsed) return {};
  return fmt::format("{:.2f}s", std::chrono::duration<double>(*context.elapsed).count());
}

std::string details_of(const json::value& result, const OutcomeContext& context) {
  const bool done = text_at(result, "outcome") == "done";
  const std::string reason = text_at(result, "reason");
  std::string out = done ? "" : reason;
  const std::int64_t generation = integer_at(result, "generation");
  const auto before = context.before.find(text_at(result, "path"));
  const bool moved = before != context.before.end() && before->second != generation;
  if (done && generation > 0) {
    out = moved ? fmt::format("generation {} -> {}", before->second, generation)
                : fmt::format("generation {}", generation);
  }
  const std::int64_t pid = integer_at(result, "pid");
  if (done && pid > 0) out += fmt::format("{}pid {}", out.empty() ? "" : ", ", pid);
  if (done && !reason.empty()) out += (out.empty() ? "" : ", ") + reason;
  return out;
}

std::string advice(const Acting& acting, const json::value& command) {
  for (const json::value& result : array_at(command, "results")) {
    if (text_at(result, "outcome") != "failed") continue;
    const std::string path = shell_word(text_at(result, "path"));
    return fmt::format("  why:   banyan logs {}\n  again: banyan {} {}\n", path, acting.verb, path);
  }
  if (count_of_outcome(command, "unknown") > 0) {
    return fmt::format("  look:  banyan status {}\n", shell_word(acting.select));
  }
  return {};
}

std::string counts_text(const json::value& command) {
  std::string out;
  for (const char* outcome : outcomes) {
    const std::int64_t count = count_of_outcome(command, outcome);
    if (count > 0) out += fmt::format("{}{} {}", out.empty() ? "" : ", ", count, outcome);
  }
  return out;
}

}  // namespace

std::string render_preview(const Acting& acting, const json::array& targets, const View& view) {
  std::set<std::string> nodes;
  for (const json::value& target : targets) {
    const std::string path = text_at(target, "path"), node = text_at(target, "node");
    nodes.insert(node.empty() ? std::string(split_last(path).first) : node);
  }
  const auto groups = groups_of(targets);
  std::size_t digits = 1;
  for (const Group& group : groups) {
    digits = std::max(digits, std::to_string(group.paths.size()).size());
  }
  Table table({{"", false, 0}, {"", false, 0}});
  for (const Group& group : groups) {
    table.add({{fmt::format("  {} {:>{}} {}", group.mark.text(view.style), group.paths.size(),
                            digits, group.word),
                group.mark.colour, false},
               {span_of(group.paths), Colour::none, false}});
  }
  return fmt::format("{} {}: {} on {}\n", acting.verb, visible(acting.select),
                     count_of(static_cast<std::int64_t>(targets.size()), "target"),
                     count_of(static_cast<std::int64_t>(nodes.size()), "node")) +
         table.render(view.style);
}

Generations generations_of(const json::array& targets) {
  Generations generations;
  for (const json::value& target : targets) {
    generations[text_at(target, "path")] = integer_at(target, "generation");
  }
  return generations;
}

OutcomeContext outcome_context(const json::array& targets) {
  OutcomeContext context;
  context.before = generations_of(targets);
  for (const json::value& target : targets) {
    context.path_width = std::max(context.path_width, width_of(text_at(target, "path")));
  }
  return context;
}

std::string render_outcome(const json::value& result, const OutcomeContext& context,
                           const View& view) {
  const std::string outcome = text_at(result, "outcome");
  const Mark mark = mark_of_outcome(outcome);
  const std::string elapsed = elapsed_text(result, context);
  std::string out = fmt::format(
      "{} {}  {}", shown(mark, view.style), pad_right(text_at(result, "path"), context.path_width),
      paint(pad_right(outcome.empty() ? "unknown" : outcome, 11), mark, view.style));
  if (!elapsed.empty()) out += fmt::format("  {:>7}", elapsed);
  const std::string details = details_of(result, context);
  if (!details.empty()) out += "  " + details;
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out + "\n";
}

std::string render_sum(const Acting& acting, const json::value& command, Duration elapsed,
                       const View& view) {
  const json::array& results = array_at(command, "results");
  const std::int64_t total =
      std::max(integer_at(command, "targets"), static_cast<std::int64_t>(results.size()));
  const int code = exit_code_of(command);
  if (total <= 1 && code == exit_ok) return {};
  const Mark mark = mark_of_outcome(code == exit_ok        ? "done"
                                    : code == exit_unknown ? "unknown"
                                                           : "failed");
  const std::string took =
      fmt::format("in {:.1f} s", std::chrono::duration<double>(elapsed).count());
  return fmt::format("{} {}: {} {}   {}\n", shown(mark, view.style), count_of(total, "target"),
                     counts_text(command), took, text_at(command, "id")) +
         advice(acting, command);
}

int exit_code_of(const json::value& command) {
  if (count_of_outcome(command, "failed") > 0) return exit_failed;
  if (count_of_outcome(command, "unknown") > 0) return exit_unknown;
  const json::array& results = array_at(command, "results");
  const bool all_told = static_cast<std::int64_t>(results.size()) >= integer_at(command, "targets");
  const std::int64_t bad = count_of_outcome(command, "rejected") +
                           count_of_outcome(command, "unreachable") +
                           count_of_outcome(command, "expired");
  if (bad > 0) return exit_failed;
  const bool finished = text_at(command, "state") != "running";
  return finished || all_told ? exit_ok : exit_unknown;
}

}  // namespace banyan::cli
