#pragma once
// What an acting verb shows: the preview, one line per outcome, the sum, and its exit code. Pure.

#include <map>
#include <optional>
#include <string>

#include "root/cli/json_view.h"
#include "root/cli/marks.h"

namespace banyan::cli {

struct Acting {
  std::string verb;
  std::string select;
};

// "restart dc1/**/api: 3 targets on 2 nodes" and a line for each state.
std::string render_preview(const Acting& acting, const json::array& targets, const View& view);

// Generations before the command, by path.
using Generations = std::map<std::string, std::int64_t>;
Generations generations_of(const json::array& targets);

struct OutcomeContext {
  std::size_t path_width = 0;
  Generations before;
  std::optional<Duration> elapsed;  // known only when there is one target
};
OutcomeContext outcome_context(const json::array& targets);
std::string render_outcome(const json::value& result, const OutcomeContext& context,
                           const View& view);

// The last lines, for stderr: what went wrong again, the counts, what to try. Empty for one target
// that did well.
std::string render_sum(const Acting& acting, const json::value& command, Duration elapsed,
                       const View& view);

int exit_code_of(const json::value& command);

}  // namespace banyan::cli
