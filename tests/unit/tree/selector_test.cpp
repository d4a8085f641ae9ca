#include "common/tree/selector.h"

#include <gmock/gmock.h>

#include "common/base/name.h"
#include "common/base/random.h"
#include "tests/unit/view/view_world.h"

namespace banyan::tree {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using view::ToldTarget;
using view::ToldTree;

Selection select(const Mirror& mirror, std::string_view text) {
  const auto selector = Selector::parse(text);
  EXPECT_TRUE(selector) << text << ": " << (selector ? "" : selector.error().text());
  return selector ? selector->select(mirror) : Selection{};
}

std::vector<std::string> nodes(const Mirror& mirror, std::string_view text) {
  std::vector<std::string> paths;
  for (const auto* node : select(mirror, text).nodes) paths.push_back(node->path());
  return paths;
}

std::vector<std::string> targets(const Mirror& mirror, std::string_view text) {
  std::vector<std::string> paths;
  for (const auto& target : select(mirror, text).targets) paths.push_back(target.path());
  return paths;
}

std::string error_of(std::string_view text) {
  const auto selector = Selector::parse(text);
  return selector ? "no error" : selector.error().text();
}

TEST(Glob, OneStarStaysInsideAName) {
  EXPECT_TRUE(glob_matches("dc1/web-*", "dc1/web-1"));
  EXPECT_FALSE(glob_matches("dc1/*", "dc1/web-1/api"));
  EXPECT_FALSE(glob_matches("*", ""));
}

TEST(Glob, TwoStarsMatchZeroOrMoreNames) {
  EXPECT_TRUE(glob_matches("**", ""));
  EXPECT_TRUE(glob_matches("dc1/**", "dc1"));
  EXPECT_TRUE(glob_matches("dc1/**/api", "dc1/api"));
  EXPECT_TRUE(glob_matches("dc1/**/api", "dc1/a/b/api"));
  EXPECT_TRUE(glob_matches("**/a/**/a", "a/b/a/a"));
  EXPECT_FALSE(glob_matches("dc1/**/api", "dc2/api"));
}

// The obvious matcher: tries everything.
bool naive(const std::vector<std::string_view>& glob, const std::vector<std::string_view>& path,
           std::size_t i, std::size_t j) {
  if (i == glob.size()) return j == path.size();
  if (glob[i] == "**") {
    return naive(glob, path, i + 1, j) || (j < path.size() && naive(glob, path, i, j + 1));
  }
  if (j == path.size()) return false;
  const bool fits = glob[i] == "*" || glob[i] == path[j] ||
                    (glob[i].size() == 2 && glob[i][1] == '*' && glob[i][0] == path[j][0]);
  return fits && naive(glob, path, i + 1, j + 1);
}

TEST(Glob, AgreesWithTheObviousMatcher) {
  Random random(7);
  const std::vector<std::string> words = {"a", "b", "*", "**", "a*", "ab"};
  const std::vector<std::string> names = {"a", "b", "ab", "ba"};
  int matched = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string glob;
    std::string path;
    for (auto n = random.below(6); n > 0; --n) glob = join_path(glob, words[random.below(6)]);
    for (auto n = random.below(6); n > 0; --n) path = join_path(path, names[random.below(4)]);
    const bool expected = naive(split_path(glob), split_path(path), 0, 0);
    matched += expected ? 1 : 0;
    ASSERT_EQ(glob_matches(glob, path), expected) << glob << " against " << path;
  }
  EXPECT_GT(matched, 1'000);
}

TEST(Selector, EmptyTextSelectsEverything) {
  const auto tree = ToldTree::usual();
  EXPECT_EQ(nodes(tree.mirror, "").size(), 5u);
  EXPECT_EQ(targets(tree.mirror, "").size(), 5u);
}

TEST(Selector, TheTopItselfIsNoNodeOfASelection) {
  auto tree = ToldTree::usual();
  tree.node("", "root");
  EXPECT_THAT(nodes(tree.mirror, "/"), IsEmpty());
  EXPECT_EQ(nodes(tree.mirror, "**").size(), 5u);
}

TEST(Selector, SlashSelectsTheTopsOwnTargets) {
  ToldTree tree;
  tree.target("api");
  tree.node("below");
  tree.target("below/db");
  EXPECT_THAT(targets(tree.mirror, "/"), ElementsAre("api"));
}

TEST(Selector, ExactPathOfANodeSelectsItsOwnTargets) {
  const auto tree = ToldTree::usual();
  EXPECT_THAT(targets(tree.mirror, "dc1/web-1"), ElementsAre("dc1/web-1/api", "dc1/web-1/db"));
  EXPECT_THAT(nodes(tree.mirror, "dc1/web-1"), ElementsAre("dc1/web-1"));
  EXPECT_THAT(targets(tree.mirror, "dc1/web-*"), IsEmpty());
  EXPECT_THAT(targets(tree.mirror, "/dc1"), IsEmpty());
}

TEST(Selector, PathsAreJoinedByOrAndListedInTreeOrder) {
  const auto tree = ToldTree::usual();
  EXPECT_THAT(targets(tree.mirror, "dc2/**/redis.2, dc1/**/api"),
              ElementsAre("dc1/web-1/api", "dc1/web-2/api", "dc2/cache-1/redis.2"));
}

TEST(Selector, ShortNameMeansTheLastComponentIfUnique) {
  const auto tree = ToldTree::usual();
  EXPECT_THAT(targets(tree.mirror, "db"), ElementsAre("dc1/web-1/db"));
  EXPECT_THAT(nodes(tree.mirror, "web-2"), ElementsAre("dc1/web-2"));
}

TEST(Selector, ShortNameOfSeveralListsTheCandidates) {
  const auto tree = ToldTree::usual();
  const auto selection = select(tree.mirror, "api");
  EXPECT_THAT(selection.targets, IsEmpty());
  EXPECT_EQ(selection.ambiguous, "api");
  EXPECT_THAT(selection.candidates, ElementsAre("dc1/web-1/api", "dc1/web-2/api"));
}

TEST(Selector, ShortNameIsJudgedAmongWhatLabelsLeave) {
  const auto tree = ToldTree::usual();
  EXPECT_THAT(targets(tree.mirror, "api -l env=test"), ElementsAre("dc1/web-2/api"));
}

TEST(Selector, NodeWhoseOnlyTargetHasItsNameIsNotAmbiguous) {
  ToldTree tree;
  tree.node("redis");
  tree.target("redis/redis");
  EXPECT_THAT(targets(tree.mirror, "redis"), ElementsAre("redis/redis"));
  EXPECT_THAT(nodes(tree.mirror, "redis"), ElementsAre("redis"));
  tree.target("redis/other");
  EXPECT_THAT(select(tree.mirror, "redis").candidates, ElementsAre("/redis", "redis/redis"));
  EXPECT_EQ(targets(tree.mirror, "/redis").size(), 2u);
}

TEST(Selector, NameSelectsItsInstances) {
  const auto tree = ToldTree::usual();
  for (const char* text : {"redis", "dc2/cache-1/redis", "**/redis"}) {
    EXPECT_THAT(targets(tree.mirror, text),
                ElementsAre("dc2/cache-1/redis.1", "dc2/cache-1/redis.2"))
        << text;
  }
  EXPECT_THAT(targets(tree.mirror, "redis.2"), ElementsAre("dc2/cache-1/redis.2"));
}

TEST(Selector, NumberedNameIsNoInstanceBesideATargetOfTheBareName) {
  ToldTree tree;
  tree.node("a");
  tree.target("a/db");
  tree.target("a/db.1");
  EXPECT_THAT(targets(tree.mirror, "db"), ElementsAre("a/db"));
}

TEST(Selector, LabelsOfATargetLieOverThoseOfItsNode) {
  auto tree = ToldTree::usual();
  ToldTarget own;
  own.labels = {{"env", "canary"}};
  tree.target("dc1/web-1/db", own);
  EXPECT_THAT(targets(tree.mirror, "-l env=canary"), ElementsAre("dc1/web-1/db"));
  EXPECT_THAT(targets(tree.mirror, "-l env=prod,tier=front"), ElementsAre("dc1/web-1/api"));
  EXPECT_THAT(targets(tree.mirror, "dc1/** -l env!=prod"),
              ElementsAre("dc1/web-1/db", "dc1/web-2/api"));
}

TEST(Selector, StatesAreJoinedByOr) {
  auto tree = ToldTree::usual();
  ToldTarget stopped;
  stopped.state = v1::TARGET_STATE_STOPPED;
  stopped.wanted = false;
  tree.target("dc1/web-1/db", stopped);
  ToldTarget failed;
  failed.state = v1::TARGET_STATE_FAILED;
  tree.target("dc1/web-2/api", failed);
  EXPECT_THAT(targets(tree.mirror, "@stopped @failed"),
              ElementsAre("dc1/web-1/db", "dc1/web-2/api"));
  EXPECT_THAT(targets(tree.mirror, "@down"), ElementsAre("dc1/web-2/api"));
}

TEST(Selector, DownIsEveryNodeThatIsNotUp) {
  auto tree = ToldTree::usual();
  tree.link("dc1/web-2", v1::LINK_STATE_SUSPECT);
  tree.link("dc2", v1::LINK_STATE_LOST);
  EXPECT_THAT(nodes(tree.mirror, "@down"), ElementsAre("dc1/web-2", "dc2", "dc2/cache-1"));
  EXPECT_THAT(nodes(tree.mirror, "@unreachable"), ElementsAre("dc2/cache-1"));
}

TEST(Selector, TargetsBehindABreakArePresumedAndInNoOtherState) {
  auto tree = ToldTree::usual();
  tree.link("dc2", v1::LINK_STATE_LOST);
  EXPECT_EQ(targets(tree.mirror, "@presumed").size(), 2u);
  EXPECT_EQ(targets(tree.mirror, "@running").size(), 3u);
}

TEST(Selector, WhatLeftMatchesNothingButLeft) {
  auto tree = ToldTree::usual();
  tree.link("dc1", v1::LINK_STATE_LEFT);
  EXPECT_THAT(nodes(tree.mirror, "**"), ElementsAre("dc2", "dc2/cache-1"));
  EXPECT_THAT(targets(tree.mirror, "dc1/web-1"), IsEmpty());
  EXPECT_THAT(targets(tree.mirror, "db"), IsEmpty());
  EXPECT_THAT(targets(tree.mirror, "dc1/web-1 @left"),
              ElementsAre("dc1/web-1/api", "dc1/web-1/db"));
  EXPECT_THAT(nodes(tree.mirror, "@left"), ElementsAre("dc1", "dc1/web-1", "dc1/web-2"));
}

TEST(Selector, JudgesWhatIsGoneByItsPathAlone) {
  const auto tree = ToldTree::usual();
  EXPECT_TRUE(Selector::parse("dc1/**")->selects(tree.mirror, "dc1/gone/api"));
  EXPECT_TRUE(Selector::parse("gone")->selects(tree.mirror, "dc1/gone"));
  EXPECT_FALSE(Selector::parse("@running")->selects(tree.mirror, "dc1/gone/api"));
  EXPECT_TRUE(Selector::parse("dc1/web-1")->selects(tree.mirror, "dc1/web-1/api"));
}

TEST(Selector, ErrorsNameTheColumn) {
  EXPECT_THAT(error_of("a,b=c"), HasSubstr("column 3"));
  EXPECT_THAT(error_of("a,b=c"), HasSubstr("-l"));
  EXPECT_THAT(error_of("x @runing"), HasSubstr("did you mean @running?"));
  EXPECT_THAT(error_of("x @runing"), HasSubstr("column 3"));
  EXPECT_THAT(error_of("a/b**"), HasSubstr("** inside a name"));
  EXPECT_THAT(error_of("a//b"), HasSubstr("empty name"));
  EXPECT_THAT(error_of("-l"), HasSubstr("-l without labels"));
  EXPECT_THAT(error_of("-l env"), HasSubstr("not a label"));
  EXPECT_THAT(error_of(","), HasSubstr("empty selector"));
  EXPECT_THAT(error_of("[a]"), HasSubstr("not a path"));
}

}  // namespace
}  // namespace banyan::tree
