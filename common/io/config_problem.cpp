#include "common/io/config_problem.h"

#include <algorithm>
#include <tuple>

#include "common/base/text.h"

namespace banyan::io {

std::string ConfigPlace::text() const {
  if (line == 0) return source;
  return source + ":" + std::to_string(line) + ":" + std::to_string(column);
}

void add_problem(ConfigProblems& problems, const ConfigPlace& place, const std::string& message) {
  problems.push_back(ConfigProblem{visible(place.text() + ": " + message), place});
}

void sort_problems(ConfigProblems& problems) {
  const auto key = [](const ConfigProblem& problem) {
    return std::tuple{problem.place.rank, problem.place.line, problem.place.column};
  };
  std::stable_sort(problems.begin(), problems.end(),
                   [&](const auto& a, const auto& b) { return key(a) < key(b); });
}

}  // namespace banyan::io
