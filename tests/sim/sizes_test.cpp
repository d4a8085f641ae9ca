// Trees of k^n nodes and one more or less, flat ones, deep ones: where the last node of a level, or
// of a page, would be lost.

#include <gtest/gtest.h>

#include <algorithm>

#include <fmt/format.h>

#include "tests/sim/topology.h"
#include "tests/sim/verdict.h"

namespace banyan::sim {
namespace {

void expect_one_picture(const std::string& topology, const Topology& nodes) {
  const auto is_leaf = [](const NodeSpec& spec) { return spec.role == "leaf"; };
  const auto leaves = std::count_if(nodes.begin(), nodes.end(), is_leaf);
  std::size_t targets = 0;
  for (const NodeSpec& spec : nodes) targets += spec.targets.size();
  const auto last = std::find_if(nodes.rbegin(), nodes.rend(), is_leaf);
  std::string text = fmt::format("rule tree\ntopology {}\nfor 8s\n", topology);
  text += "at 4s command signal ** ttl 3s\n";
  if (leaves > 0) text += fmt::format("at 6s kill-target {}\n", last->host);
  text += fmt::format("expect nodes up == {}\n", nodes.size() - 1);
  text += fmt::format("expect outcomes done == {}\nexpect repairs == 0\n", targets);
  const auto scenario = parse_scenario(text);
  ASSERT_TRUE(scenario.has_value()) << scenario.error().text();
  const Verdict verdict = judge(*scenario, 1);
  EXPECT_TRUE(verdict.good()) << topology << "\n" << verdict.text;
}

class TreeSizes : public testing::TestWithParam<unsigned> {};

TEST_P(TreeSizes, APowerOfTheFanoutAndOneMoreOrLess) {
  constexpr unsigned largest = 128;
  const unsigned fanout = GetParam();
  for (unsigned power = fanout; power <= largest; power *= fanout) {
    for (const unsigned nodes : {power - 1, power, power + 1}) {
      if (nodes < 2) continue;
      expect_one_picture(fmt::format("tree {} {}", fanout, nodes), tree_topology(fanout, nodes));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Fanouts, TreeSizes, testing::Values(2U, 3U, 4U, 8U));

TEST(TreeSizes, FlatAroundPowersOfTwo) {
  for (const unsigned leaves : {1U, 2U, 63U, 64U, 65U, 255U, 256U, 257U}) {
    expect_one_picture(fmt::format("flat {}", leaves), flat_topology(leaves));
  }
}

TEST(TreeSizes, DeepUpToTenLevels) {
  for (unsigned levels = 1; levels <= 10; ++levels) {
    expect_one_picture(fmt::format("deep {}", levels), deep_topology(levels));
  }
}

}  // namespace
}  // namespace banyan::sim
