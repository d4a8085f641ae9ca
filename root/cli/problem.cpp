#include "root/cli/problem.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "common/base/name.h"
#include "root/cli/json_view.h"
#include "root/cli/url.h"
#include "root/cli/words.h"

namespace banyan::cli {

namespace {

bool is_short_name(std::string_view text) {
  return !text.empty() && text.find_first_of("/*, @") == std::string_view::npos;
}

std::vector<std::string> candidates_of(const json::value& problem) {
  std::vector<std::string> out;
  for (const json::value& candidate : array_at(problem, "candidates")) {
    const std::string path = text_at(candidate, "path");
    out.push_back(path.empty() ? text_of(candidate) : path);
  }
  return out;
}

bool are_all_called(const std::vector<std::string>& candidates, std::string_view name) {
  return std::all_of(candidates.begin(), candidates.end(),
                     [&](const std::string& path) { return split_last(path).second == name; });
}

Failure not_unique(const std::vector<std::string>& candidates, const std::string& name,
                   const Asked& asked) {
  constexpr std::size_t most = 3;
  Failure failure;
  failure.code = exit_no_match;
  failure.message =
      fmt::format("\"{}\" is not unique: {} things have this name", name, candidates.size());
  std::string line;
  for (std::size_t i = 0; i < std::min(most, candidates.size()); ++i) {
    line += (i == 0 ? "" : "   ") + candidates[i];
  }
  if (candidates.size() > most) line += "   …";
  failure.steps.emplace_back("", line);
  failure.steps.emplace_back(
      "one", fmt::format("banyan {} {}", asked.verb, shell_word(candidates.front())));
  failure.steps.emplace_back("all", fmt::format("banyan {} '**/{}'", asked.verb, name));
  return failure;
}

Failure no_such_thing(const std::vector<std::string>& candidates, const Asked& asked) {
  Failure failure = nothing_matched(asked);
  if (candidates.empty()) return failure;
  const std::string last(split_last(candidates.front()).second);
  std::string more;
  if (candidates.size() > 1) {
    more = fmt::format("  (and {} more", candidates.size() - 1);
    if (are_all_called(candidates, last)) more += fmt::format(": '**/{}'", last);
    more += ")";
  }
  failure.steps = {{"did you mean", candidates.front() + more}};
  return failure;
}

}  // namespace

int exit_code_of_status(long status) {
  if (status == 401 || status == 403) return exit_denied;
  if (status == 404) return exit_no_match;
  if (status == 408 || status == 502 || status == 503 || status == 504) return exit_unreachable;
  if (status == 400 || status == 413 || status == 422) return exit_usage;
  return exit_failed;
}

Failure nothing_matched(const Asked& asked) {
  Failure failure;
  failure.code = exit_no_match;
  if (asked.select.empty()) {
    failure.message = "there is nothing to " + asked.verb;
  } else if (is_short_name(asked.select)) {
    failure.message = fmt::format("nothing is called \"{}\"", asked.select);
  } else {
    failure.message = fmt::format("nothing matches {}", shell_word(asked.select));
  }
  failure.steps.emplace_back("what there is", "banyan tree --all");
  return failure;
}

Failure failure_of_answer(long status, std::string_view body, const Asked& asked) {
  const json::value problem = parse_json(body).value_or(json::object());
  const auto candidates = candidates_of(problem);
  const std::string title = text_at(problem, "title"), detail = text_at(problem, "detail");
  const std::string hint = text_at(problem, "hint");
  std::string name = text_at(problem, "where");
  if (name.empty()) name = asked.select;
  const bool not_found = status == 404 || (status == 409 && !candidates.empty());
  if (not_found && candidates.size() > 1 && are_all_called(candidates, name)) {
    return not_unique(candidates, name, asked);
  }
  if (not_found && (!candidates.empty() || !asked.select.empty())) {
    Failure failure = no_such_thing(candidates, asked);
    if (candidates.empty() && !hint.empty() && !hint.starts_with("GET "))
      failure.steps.emplace_back("hint", hint);
    return failure;
  }
  Failure failure;
  failure.code = exit_code_of_status(status);
  failure.message = detail.empty() ? title : detail;
  if (failure.message.empty()) failure.message = fmt::format("the root answered {}", status);
  if (failure.code == exit_denied) failure.message = "denied: " + failure.message;
  if (!hint.empty()) failure.steps.emplace_back("try", hint);
  if (status == 401) {
    failure.steps.emplace_back("give a token", "BANYAN_TOKEN, or --token-file FILE");
  }
  return failure;
}

Failure unreachable(std::string_view url, std::string_view why, const Asked& asked) {
  Failure failure;
  failure.code = exit_unreachable;
  failure.message = fmt::format("cannot reach the root at {}: {}", url, why);
  failure.steps = {{"is it running?", "systemctl status banyan-root"},
                   {"is it elsewhere?",
                    fmt::format("banyan --url http://HOST:7480 {}, or BANYAN_URL", asked.verb)}};
  return failure;
}

}  // namespace banyan::cli
