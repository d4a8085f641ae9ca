// Every scenario holds as it is and fails without its rule; one of a rule that is not built yet
// fails as it is, and says so as soon as it does not any more.

#include <gtest/gtest.h>

#include "tests/sim/verdict.h"

namespace banyan::sim {
namespace {

constexpr std::uint64_t seeds_each = 5;

class Scenarios : public testing::TestWithParam<NamedText> {};

std::string failures(const Scenario& scenario, const std::string& off) {
  std::string text;
  for (std::uint64_t seed = 1; seed <= seeds_each; ++seed) {
    const Verdict verdict = judge(scenario, seed, off);
    if (!verdict.good()) text += "seed " + std::to_string(seed) + "\n" + verdict.text;
  }
  return text;
}

TEST_P(Scenarios, HoldWithTheirRuleAndFailWithoutIt) {
  const auto scenario = parse_scenario(GetParam().text);
  ASSERT_TRUE(scenario.has_value()) << scenario.error().text();
  const std::string as_it_is = failures(*scenario, "");
  if (!scenario->missing.empty()) {
    EXPECT_NE(as_it_is, "") << scenario->rule << " holds now: take `missing` out of the scenario";
    return;
  }
  EXPECT_EQ(as_it_is, "");
  for (const std::string& off : scenario->without) {
    EXPECT_NE(failures(*scenario, off), "") << "nothing fails without it: " << off;
  }
}

INSTANTIATE_TEST_SUITE_P(Rules, Scenarios, testing::ValuesIn(scenario_texts()),
                         [](const auto& named) { return std::string(named.param.name); });

}  // namespace
}  // namespace banyan::sim
