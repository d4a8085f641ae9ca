// A first world: a root, relays two deep, thirty leaves, from a seed.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <cstdlib>
#include <numeric>

#include <boost/json.hpp>

#include "tests/sim/oracle.h"

namespace banyan::sim {
namespace {

std::vector<NodeSpec> thirty_leaves() {
  std::vector<NodeSpec> specs{{"top", "root", "", {}},
                              {"east", "relay", "top", {}},
                              {"west", "relay", "top", {}},
                              {"rack", "relay", "east", {}}};
  const char* parents[] = {"east", "west", "rack"};
  for (int i = 0; i < 30; ++i) {
    specs.push_back({fmt::format("leaf-{}", i), "leaf", parents[i % 3], {"api", "worker"}});
  }
  return specs;
}

// A fault somewhere; the node may be down already, then nothing happens.
void break_something(World& world) {
  const auto& specs = world.specs();
  const NodeSpec& victim = specs[1 + world.random().below(specs.size() - 1)];
  switch (world.random().below(6)) {
    case 0:
      return world.crash(victim.name);
    case 1:
      return world.restart(victim.name);
    case 2:
      return world.freeze(victim.name);
    case 3:
      return world.thaw(victim.name);
    default:
      return world.sever(victim.name);
  }
}

void heal(World& world) {
  for (const NodeSpec& spec : world.specs()) {
    world.thaw(spec.name);
    world.restart(spec.name);
  }
}

void kill_some_targets(World& world, int count) {
  for (int i = 0; i < count; ++i) {
    world.kill_target(fmt::format("leaf-{}", world.random().below(30)));
  }
}

std::string command(World& world, const std::string& verb, const std::string& select) {
  const auto answer =
      world.ask("POST", "/api/v1/commands",
                fmt::format(R"({{"verb":"{}","select":"{}","ttl_ms":4000}})", verb, select));
  if (!answer || answer->status != 202) return "";
  return std::string(boost::json::parse(answer->body).at("id").as_string());
}

// What is wrong with a command's outcomes once its time is over: one final outcome per target.
std::string check_outcomes(World& world, const std::string& id, std::size_t targets) {
  const auto answer = world.ask("GET", "/api/v1/commands/" + id);
  if (!answer || answer->status != 200) return id + ": is not known\n";
  const auto body = boost::json::parse(answer->body);
  std::string wrong;
  if (body.at("state").as_string() != "finished") wrong += id + ": is not finished\n";
  std::set<std::string> seen;
  for (const auto& result : body.at("results").as_array()) {
    const std::string path(result.at("path").as_string());
    if (!seen.insert(path).second) wrong += id + ": two outcomes for " + path + "\n";
    if (result.at("outcome").is_null()) wrong += id + ": no outcome for " + path + "\n";
  }
  if (seen.size() != targets) wrong += fmt::format("{}: {} outcomes\n", id, seen.size());
  return wrong;
}

std::size_t exited_events(World& world) {
  const auto answer = world.ask("GET", "/api/v1/events?kind=exited&limit=10000");
  return boost::json::parse(answer->body).at("items").as_array().size();
}

TEST(Tree, ShowsEveryLeafAndRepairsNothingWhenNothingIsLost) {
  World world(1, thirty_leaves(), {});
  world.run_for(seconds{10});
  for (int i = 0; i < 20; ++i) {
    kill_some_targets(world, 5);
    world.run_for(milliseconds{300});
  }
  world.run_for(seconds{20});
  EXPECT_EQ(check_pictures(world), "");
  EXPECT_EQ(check_targets(world), "");
  EXPECT_EQ(check_nothing_repaired(world), "");
  const auto counts = world.root()->mirror().top().below;
  EXPECT_EQ(counts.nodes_total(), 33);
  EXPECT_EQ(counts.nodes[0], 33);
  EXPECT_EQ(counts.targets[v1::TARGET_STATE_RUNNING], 60);
}

TEST(Tree, StoresEachExitOnce) {
  World world(2, thirty_leaves(), {});
  world.run_for(seconds{5});
  kill_some_targets(world, 40);
  world.run_for(milliseconds{200});
  world.sever("east");  // events in flight are lost with their connection, and sent again
  kill_some_targets(world, 40);
  world.run_for(milliseconds{100});
  world.crash("west");
  world.run_for(seconds{2});
  world.restart("west");
  world.run_for(seconds{30});
  std::size_t exits = 0;
  for (const NodeSpec& spec : world.specs()) {
    if (const Leaf* leaf = world.leaf(spec.name)) {
      for (const auto& status : leaf->supervisor().statuses()) exits += status.generation - 1;
    }
  }
  EXPECT_GT(exits, 40u);
  EXPECT_EQ(exited_events(world), exits);
  EXPECT_EQ(check_events(world), "");
}

TEST(Tree, GivesEveryTargetOneOutcomeThroughTwoRelays) {
  World world(3, thirty_leaves(), {});
  world.run_for(seconds{5});
  const std::string id = command(world, "restart", "**");
  ASSERT_NE(id, "");
  world.run_for(seconds{10});
  EXPECT_EQ(check_outcomes(world, id, 60), "");
  const auto answer = world.ask("GET", "/api/v1/commands/" + id);
  EXPECT_EQ(boost::json::parse(answer->body).at("counts").at("done").to_number<int>(), 60);
  EXPECT_EQ(check_targets(world), "");
}

TEST(Tree, AnswersUnreachableAtOnceBehindADeadRelay) {
  World world(4, thirty_leaves(), {});
  world.run_for(seconds{5});
  world.crash("rack");
  world.run_for(seconds{5});
  const std::string id = command(world, "restart", "east/rack/**");
  ASSERT_NE(id, "");
  const auto body = boost::json::parse(world.ask("GET", "/api/v1/commands/" + id)->body);
  EXPECT_EQ(body.at("counts").at("unreachable").to_number<int>(), 20);
  EXPECT_EQ(body.at("state").as_string(), "finished");
}

TEST(Tree, ShowsWhatHangsBelowADeadRelayAsUnreachableAndFindsItAgain) {
  World world(5, thirty_leaves(), {});
  world.run_for(seconds{5});
  world.crash("east");
  world.run_for(seconds{5});
  const auto& below = world.root()->mirror().top().below;
  EXPECT_EQ(below.nodes[static_cast<int>(tree::NodeState::lost)], 1);
  EXPECT_EQ(below.nodes[static_cast<int>(tree::NodeState::unreachable)], 21);
  EXPECT_EQ(below.presumed, 40);
  world.restart("east");
  world.run_for(seconds{3});
  EXPECT_EQ(check_pictures(world), "");
}

class Faults : public testing::TestWithParam<std::uint64_t> {};

TEST_P(Faults, EndWithOnePictureAndOneOutcomePerTarget) {
  World world(GetParam(), thirty_leaves(), {});
  world.run_for(seconds{3});
  std::vector<std::string> commands;
  for (int i = 0; i < 40; ++i) {
    break_something(world);
    kill_some_targets(world, 2);
    if (i % 5 == 0) commands.push_back(command(world, "restart", "**/api"));
    world.run_for(world.random().upto(milliseconds{1500}));
  }
  heal(world);
  world.run_for(seconds{60});
  EXPECT_EQ(check_pictures(world), "");
  EXPECT_EQ(check_targets(world), "");
  EXPECT_EQ(check_events(world), "");
  for (const std::string& id : commands) {
    if (!id.empty()) {
      const auto body = boost::json::parse(world.ask("GET", "/api/v1/commands/" + id)->body);
      EXPECT_EQ(check_outcomes(world, id, body.at("targets").to_number<std::size_t>()), "");
    }
  }
}

TEST_P(Faults, StoreEveryEventOnceThoughTheRootDiesToo) {
  World world(GetParam(), thirty_leaves(), {});
  world.run_for(seconds{3});
  for (int i = 0; i < 60; ++i) {
    break_something(world);
    kill_some_targets(world, 2);
    if (i % 4 == 1) world.crash("top");
    if (i % 4 == 3) world.restart("top");
    world.run_for(world.random().upto(milliseconds{1000}));
  }
  heal(world);
  world.run_for(seconds{60});
  EXPECT_EQ(check_pictures(world), "");
  EXPECT_EQ(check_events(world), "");
  EXPECT_GT(exited_events(world), 50u);
}

// SIM_FIRST and SIM_COUNT choose other seeds: to replay one, or to look for a bad one.
std::uint64_t number_from(const char* variable, std::uint64_t fallback) {
  const char* text = std::getenv(variable);
  return text == nullptr ? fallback : std::strtoull(text, nullptr, 10);
}

std::vector<std::uint64_t> seeds() {
  std::vector<std::uint64_t> list(number_from("SIM_COUNT", 6));
  std::iota(list.begin(), list.end(), number_from("SIM_FIRST", 100));
  return list;
}

INSTANTIATE_TEST_SUITE_P(Seeds, Faults, testing::ValuesIn(seeds()),
                         [](const auto& seed) { return "Seed" + std::to_string(seed.param); });

}  // namespace
}  // namespace banyan::sim
