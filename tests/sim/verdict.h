#pragma once
// Seed in, verdict out.

#include <cstdint>
#include <string>
#include <string_view>

#include "tests/sim/findings.h"
#include "tests/sim/generate.h"
#include "tests/sim/scenario.h"

namespace banyan::sim {

struct Verdict {
  Findings findings;
  Findings missing;  // of rules which are not built yet
  std::uint64_t frames = 0;
  std::vector<std::string> log;  // warnings of all nodes

  bool good() const { return findings.empty(); }
  // What was found, and the line that plays it again.
  std::string text;
};

// `off`: tampering beside the scenario's own.
Verdict judge(const Scenario& scenario, std::uint64_t seed, const std::string& off = "");
Verdict judge_seed(std::uint64_t seed, const Mix& mix);

// The scenarios of this directory, by file name without ".txt".
struct NamedText {
  std::string_view name;
  std::string_view text;
};
const std::vector<NamedText>& scenario_texts();

}  // namespace banyan::sim
