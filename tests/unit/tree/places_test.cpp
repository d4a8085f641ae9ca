// One instance in several places of a picture: which of them it is.

#include "common/tree/places.h"

#include <gtest/gtest.h>

#include "common/base/name.h"
#include "tests/unit/tree/link_pair.h"

namespace banyan::tree {
namespace {

using testing::instance_of;

class PlacesTest : public ::testing::Test {
 protected:
  void link(const std::string& path, char digit, std::uint64_t attach) {
    v1::LinkFact fact;
    fact.set_state(v1::LINK_STATE_UP);
    fact.set_instance(instance_of(digit));
    fact.set_attach(attach);
    const auto [parent, name] = split_last(path);
    set({std::string(parent), v1::FACT_KIND_LINK, std::string(name)}, fact_bytes(fact));
  }
  void target(const std::string& path) {
    set({path, v1::FACT_KIND_TARGET, "api"}, testing::target_bytes(v1::TARGET_STATE_RUNNING));
  }
  void set(const FactKey& key, const std::string& bytes) {
    ASSERT_TRUE(mirror_.set(key, instance_of('1'), bytes, changes_));
  }
  bool outdone(const std::string& path) const { return is_outdone(mirror_, *mirror_.find(path)); }

  Mirror mirror_;
  Changes changes_;
};

TEST_F(PlacesTest, TheHigherAttachWins) {
  link("a", 'a', 1);
  link("b", 'b', 1);
  link("a/x", '5', 7);
  link("b/x", '5', 8);
  EXPECT_TRUE(outdone("a/x"));
  EXPECT_FALSE(outdone("b/x"));
  EXPECT_FALSE(outdone("a"));
}

TEST_F(PlacesTest, BelowARelayThatMovedItsPlaceDecides) {
  link("a", 'a', 1);
  link("b", 'b', 1);
  link("a/r", 'c', 9);
  link("b/r", 'c', 3);
  link("a/r/x", '5', 7);
  link("b/r/x", '5', 7);
  EXPECT_TRUE(outdone("b/r"));
  EXPECT_TRUE(outdone("b/r/x"));
  EXPECT_FALSE(outdone("a/r/x"));
}

TEST_F(PlacesTest, OfEqualsOneAloneWins) {
  link("a", 'a', 1);
  link("b", 'b', 1);
  link("a/x", '5', 7);
  link("b/x", '5', 7);
  EXPECT_NE(outdone("a/x"), outdone("b/x"));
}

TEST_F(PlacesTest, ASelectionKeepsOnePlace) {
  link("a", 'a', 1);
  link("b", 'b', 1);
  link("a/x", '5', 7);
  link("b/x", '5', 8);
  link("b/y", '6', 2);
  for (const char* path : {"a/x", "b/x", "b/y"}) target(path);
  auto all = Selector::parse("**/api")->select(mirror_);
  keep_one_place(mirror_, all);
  ASSERT_EQ(all.targets.size(), 2u);
  EXPECT_EQ(all.targets[0].path(), "b/x/api");
  EXPECT_EQ(all.targets[1].path(), "b/y/api");
}

TEST_F(PlacesTest, WhoAsksForTheOldPlaceAloneGetsIt) {
  link("a", 'a', 1);
  link("b", 'b', 1);
  link("a/x", '5', 7);
  link("b/x", '5', 8);
  for (const char* path : {"a/x", "b/x"}) target(path);
  auto old = Selector::parse("a/x/api")->select(mirror_);
  keep_one_place(mirror_, old);
  EXPECT_EQ(old.targets.size(), 1u);
}

}  // namespace
}  // namespace banyan::tree
