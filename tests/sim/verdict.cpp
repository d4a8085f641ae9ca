#include "tests/sim/verdict.h"

#include <fmt/format.h>

#include "common/base/check.h"
#include "tests/sim/play.h"

namespace banyan::sim {

Verdict judge(const Scenario& scenario, std::uint64_t seed, const std::string& off) {
  Play play(scenario, seed);
  if (!off.empty()) play.tamper(off);
  Verdict verdict;
  verdict.findings = play.run();
  verdict.missing = verdict.findings.take_missing(scenario.rule);
  verdict.frames = play.world().network().tap().frames();
  verdict.log = play.world().log();
  verdict.text = verdict.findings.text();
  return verdict;
}

Verdict judge_seed(std::uint64_t seed, const Mix& mix) {
  const auto scenario = parse_scenario(generate(seed, mix));
  CHECK(scenario.has_value());
  Verdict verdict = judge(*scenario, seed);
  if (!verdict.good()) {
    verdict.text += fmt::format("again: build/dev/bin/sim --seed {} --faults {} --nodes {}{}\n",
                                seed, mix.faults, mix.nodes, mix.quiet_links ? " --calm" : "");
  }
  return verdict;
}

}  // namespace banyan::sim
