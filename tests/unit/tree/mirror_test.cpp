// The mirror's invariants, checked against recounts that walk the whole tree.

#include <gtest/gtest.h>

#include "common/base/random.h"
#include "tests/unit/tree/link_pair.h"

namespace banyan::tree {
namespace {

using testing::instance_of;
using testing::link_bytes;
using testing::target_bytes;

class MirrorTest : public ::testing::Test {
 protected:
  Status set(const std::string& path, v1::FactKind kind, const std::string& id,
             const std::string& bytes) {
    return mirror_.set({path, kind, id}, instance_of('1'), bytes, changes_);
  }
  void link(const std::string& parent, const std::string& child, v1::LinkState state) {
    ASSERT_TRUE(set(parent, v1::FACT_KIND_LINK, child, link_bytes(state)));
  }
  void target(const std::string& path, const std::string& id, v1::TargetState state) {
    ASSERT_TRUE(set(path, v1::FACT_KIND_TARGET, id, target_bytes(state)));
  }
  std::int64_t nodes(NodeState state) const {
    return mirror_.top().below().nodes[static_cast<std::size_t>(state)];
  }

  Mirror mirror_;
  Changes changes_;
};

Digest sum_of_facts(const Mirror::Node& node) {
  Digest sum;
  node.each_place([&](int kind, std::string_view id) {
    const auto value = node.find_fact(static_cast<v1::FactKind>(kind), id);
    sum += fact_hash(value->instance, kind, id, value->bytes);
    return true;
  });
  for (const auto& child : node.children()) sum += sum_of_facts(*child);
  return sum;
}

void recount(const Mirror::Node& node, bool visible, Counts& counts) {
  if (node.parent() != nullptr) ++counts.nodes[static_cast<std::size_t>(state_of(node))];
  for (const auto& name : node.target_names()) {
    const v1::TargetFact target = *node.target(name);
    if (!visible) {
      ++counts.presumed;
      continue;
    }
    ++counts.targets[static_cast<std::size_t>(target.state())];
    const bool should = target.wanted();
    const bool runs = target.state() == v1::TARGET_STATE_RUNNING;
    const bool rests =
        target.state() == v1::TARGET_STATE_STOPPED || target.state() == v1::TARGET_STATE_EXITED;
    counts.as_wanted += (should && runs) || (!should && rests) ? 1 : 0;
  }
  for (const auto& child : node.children()) {
    const NodeState state = state_of(*child);
    recount(*child, state == NodeState::up || state == NodeState::suspect, counts);
  }
}

void expect_whole(const Mirror& mirror) {
  ASSERT_EQ(mirror.digest(""), sum_of_facts(mirror.top()));
  Counts counts;
  recount(mirror.top(), true, counts);
  ASSERT_EQ(mirror.top().below().nodes, counts.nodes);
  ASSERT_EQ(mirror.top().below().targets, counts.targets);
  ASSERT_EQ(mirror.top().below().presumed, counts.presumed);
  ASSERT_EQ(mirror.top().below().as_wanted, counts.as_wanted);
  for (const FactKey& key : mirror.keys_below("")) ASSERT_TRUE(mirror.find_fact(key));
  ASSERT_EQ(mirror.keys_below("").size(), mirror.fact_count());
}

FactKey random_key(Random& random) {
  static const std::vector<std::string> paths = {"", "a", "b", "a/c", "a/c/d", "b/e", "a/f"};
  static const std::vector<std::string> names = {"a", "b", "c", "d", "e", "f"};
  FactKey key;
  key.path = paths[random.below(paths.size())];
  key.kind = static_cast<v1::FactKind>(1 + random.below(4));
  if (key.kind != v1::FACT_KIND_NODE) key.id = names[random.below(names.size())];
  return key;
}

std::string random_value(Random& random, v1::FactKind kind) {
  if (kind == v1::FACT_KIND_LINK) return link_bytes(static_cast<v1::LinkState>(random.below(6)));
  if (kind == v1::FACT_KIND_TARGET) {
    return target_bytes(static_cast<v1::TargetState>(1 + random.below(8)), random.chance(0.5));
  }
  v1::NodeFact fact;
  fact.set_name("n" + std::to_string(random.below(3)));
  return fact_bytes(fact);
}

TEST_F(MirrorTest, DigestAndCountsEqualANaiveRecountAfterRandomChanges) {
  Random random(11);
  for (int i = 0; i < 10'000; ++i) {
    const FactKey key = random_key(random);
    changes_.clear();
    if (random.chance(0.02)) {
      mirror_.remove_subtree(key.path, changes_);
    } else if (random.chance(0.45)) {
      mirror_.remove(key, changes_);
    } else {
      ASSERT_TRUE(mirror_.set(key, instance_of('1'), random_value(random, key.kind), changes_));
    }
    if (i % 7 != 0) continue;
    ASSERT_NO_FATAL_FAILURE(expect_whole(mirror_)) << "step " << i;
  }
}

TEST_F(MirrorTest, ChangesTellTheHashBeforeAndAfter) {
  Random random(12);
  Digest sum;
  for (int i = 0; i < 3'000; ++i) {
    const FactKey key = random_key(random);
    changes_.clear();
    if (random.chance(0.3)) {
      mirror_.remove(key, changes_);
    } else {
      ASSERT_TRUE(mirror_.set(key, instance_of('1'), random_value(random, key.kind), changes_));
    }
    for (const FactChange& change : changes_) {
      sum -= change.before;
      sum += change.now;
    }
    ASSERT_EQ(sum, mirror_.digest(""));
  }
}

TEST_F(MirrorTest, AnEqualWriteIsNoChange) {
  target("a", "t", v1::TARGET_STATE_RUNNING);
  const auto revision = mirror_.revision();
  changes_.clear();
  target("a", "t", v1::TARGET_STATE_RUNNING);
  EXPECT_TRUE(changes_.empty());
  EXPECT_EQ(mirror_.revision(), revision);
  target("a", "t", v1::TARGET_STATE_STOPPED);
  EXPECT_EQ(changes_.size(), 1u);
  EXPECT_EQ(mirror_.revision(), revision + 1);
}

TEST_F(MirrorTest, TheSameValueOfAnotherInstanceIsAChange) {
  target("a", "t", v1::TARGET_STATE_RUNNING);
  changes_.clear();
  ASSERT_TRUE(mirror_.set({"a", v1::FACT_KIND_TARGET, "t"}, instance_of('2'),
                          target_bytes(v1::TARGET_STATE_RUNNING), changes_));
  EXPECT_EQ(changes_.size(), 1u);
}

TEST_F(MirrorTest, ANodeDisappearsWithItsLastFact) {
  target("a/b/c", "t", v1::TARGET_STATE_RUNNING);
  ASSERT_NE(mirror_.find("a/b"), nullptr);
  mirror_.remove({"a/b/c", v1::FACT_KIND_TARGET, "t"}, changes_);
  EXPECT_EQ(mirror_.find("a"), nullptr);
  EXPECT_EQ(mirror_.digest(""), Digest{});
  EXPECT_EQ(mirror_.top().below(), Counts{});
}

TEST_F(MirrorTest, ANodeIsHeldByTheLinkToIt) {
  link("", "a", v1::LINK_STATE_LOST);
  target("a", "t", v1::TARGET_STATE_RUNNING);
  mirror_.remove({"a", v1::FACT_KIND_TARGET, "t"}, changes_);
  ASSERT_NE(mirror_.find("a"), nullptr);
  mirror_.remove({"", v1::FACT_KIND_LINK, "a"}, changes_);
  EXPECT_EQ(mirror_.find("a"), nullptr);
}

TEST_F(MirrorTest, ASubtreeThatLosesItsLinkIsUnreachableButStays) {
  link("", "a", v1::LINK_STATE_UP);
  target("a", "t", v1::TARGET_STATE_RUNNING);
  EXPECT_EQ(nodes(NodeState::up), 1);
  mirror_.remove({"", v1::FACT_KIND_LINK, "a"}, changes_);
  EXPECT_EQ(nodes(NodeState::unreachable), 1);
  EXPECT_EQ(mirror_.top().below().presumed, 1);
}

TEST_F(MirrorTest, BehindABreakNodesAreUnreachableAndTargetsPresumed) {
  link("", "a", v1::LINK_STATE_UP);
  link("a", "b", v1::LINK_STATE_SUSPECT);
  link("a", "gone", v1::LINK_STATE_LEFT);
  target("a/b", "t", v1::TARGET_STATE_RUNNING);
  EXPECT_EQ(state_of(*mirror_.find("a/b")), NodeState::suspect);
  EXPECT_EQ(break_above(*mirror_.find("a/b")), nullptr);
  link("", "a", v1::LINK_STATE_LOST);
  EXPECT_EQ(state_of(*mirror_.find("a")), NodeState::lost);
  EXPECT_EQ(state_of(*mirror_.find("a/b")), NodeState::unreachable);
  EXPECT_EQ(state_of(*mirror_.find("a/gone")), NodeState::left);
  EXPECT_EQ(break_above(*mirror_.find("a/b")), mirror_.find("a"));
  EXPECT_EQ(mirror_.top().below().presumed, 1);
  EXPECT_EQ(nodes(NodeState::left), 1);
  link("", "a", v1::LINK_STATE_SYNCING);
  EXPECT_EQ(state_of(*mirror_.find("a")), NodeState::unreachable);
}

TEST_F(MirrorTest, RefusesWhatIsNotAPathAnIdOrAValue) {
  const std::string good = target_bytes(v1::TARGET_STATE_RUNNING);
  EXPECT_FALSE(set("a/", v1::FACT_KIND_TARGET, "t", good));
  EXPECT_FALSE(set("../a", v1::FACT_KIND_TARGET, "t", good));
  EXPECT_FALSE(set("a", v1::FACT_KIND_TARGET, "T t", good));
  EXPECT_FALSE(set("a", v1::FACT_KIND_LINK, "", link_bytes(v1::LINK_STATE_UP)));
  EXPECT_FALSE(set("a", v1::FACT_KIND_UNSPECIFIED, "", ""));
  for (const auto kind : {v1::FACT_KIND_NODE, v1::FACT_KIND_LINK, v1::FACT_KIND_TARGET}) {
    EXPECT_FALSE(set("a", kind, "t", "\xff\xff"));
  }
  EXPECT_EQ(mirror_.find("a"), nullptr) << "a refused fact must leave nothing behind";
  EXPECT_TRUE(changes_.empty());
  EXPECT_EQ(mirror_.fact_count(), 0u);
}

TEST_F(MirrorTest, ARefusedValueLeavesTheHeldOne) {
  target("a", "t", v1::TARGET_STATE_RUNNING);
  const Digest before = mirror_.digest("");
  EXPECT_FALSE(set("a", v1::FACT_KIND_TARGET, "t", "\xff\xff"));
  EXPECT_EQ(mirror_.digest(""), before);
  EXPECT_EQ(mirror_.find("a")->target("t")->state(), v1::TARGET_STATE_RUNNING);
}

TEST_F(MirrorTest, RefusesAValueThatWouldNotFitAFrameAbove) {
  EXPECT_TRUE(set("a", v1::FACT_KIND_OBSERVATION, "x", std::string(max_fact_bytes, 'x')));
  EXPECT_FALSE(set("a", v1::FACT_KIND_OBSERVATION, "y", std::string(max_fact_bytes + 1, 'x')));
}

TEST_F(MirrorTest, KeepsKindsOfLaterVersionsAsBytes) {
  const auto later = static_cast<v1::FactKind>(99);
  ASSERT_TRUE(set("a", later, "Any Id", "\xff\xfe"));
  const auto held = mirror_.find_fact({"a", later, "Any Id"});
  ASSERT_TRUE(held);
  EXPECT_EQ(held->bytes, "\xff\xfe");
}

TEST_F(MirrorTest, GivesBackWhatWasToldWhoeverToldIt) {
  const std::string own = "00112233445566778899aabbccddeeff";
  const std::vector<std::string> writers = {own,   instance_of('1'),     "",
                                            "odd", std::string(32, 'F'), std::string(300, 'a')};
  const auto later = static_cast<v1::FactKind>(99);
  for (const std::string& first : writers) {
    const std::string path = "n" + std::to_string(&first - writers.data());
    ASSERT_TRUE(mirror_.set({path, later, "first"}, first, path + first, changes_));
    for (const std::string& writer : writers) {
      ASSERT_TRUE(mirror_.set({path, later, "id" + writer}, writer, writer + own + path, changes_));
    }
    EXPECT_EQ(mirror_.find_fact({path, later, "first"})->instance, first);
    EXPECT_EQ(mirror_.find_fact({path, later, "first"})->bytes, path + first);
    for (const std::string& writer : writers) {
      const auto held = mirror_.find_fact({path, later, "id" + writer});
      EXPECT_EQ(held->instance, writer);
      EXPECT_EQ(held->bytes, writer + own + path);
      EXPECT_EQ(held->hash, fact_hash(writer, later, "id" + writer, held->bytes));
    }
  }
  expect_whole(mirror_);
}

TEST_F(MirrorTest, CountsManyTargetsLikeFew) {
  link("", "a", v1::LINK_STATE_UP);
  for (int i = 0; i < 40; ++i) target("a", "t" + std::to_string(i), v1::TARGET_STATE_RUNNING);
  for (int i = 0; i < 40; i += 3) target("a", "t" + std::to_string(i), v1::TARGET_STATE_FAILED);
  expect_whole(mirror_);
  for (int i = 0; i < 39; ++i) {
    mirror_.remove({"a", v1::FACT_KIND_TARGET, "t" + std::to_string(i)}, changes_);
  }
  expect_whole(mirror_);
  EXPECT_EQ(mirror_.top().below().targets_total(), 1);
}

TEST_F(MirrorTest, KnowsHowManyBytesAllOfItTakes) {
  EXPECT_EQ(mirror_.told_bytes(), 0u);
  target("a", "t", v1::TARGET_STATE_RUNNING);
  const auto one = mirror_.told_bytes();
  EXPECT_GT(one, instance_of('1').size());
  target("a", "t", v1::TARGET_STATE_STOPPED);
  EXPECT_EQ(mirror_.told_bytes(), one) << "of the same size";
  link("", "a", v1::LINK_STATE_UP);
  EXPECT_GT(mirror_.told_bytes(), one);
  mirror_.remove({"", v1::FACT_KIND_LINK, "a"}, changes_);
  mirror_.remove({"a", v1::FACT_KIND_TARGET, "t"}, changes_);
  EXPECT_EQ(mirror_.told_bytes(), 0u);
}

TEST_F(MirrorTest, RemovingByAPathThatIsNoneChangesNothing) {
  target("a", "t", v1::TARGET_STATE_RUNNING);
  changes_.clear();
  mirror_.remove({"a/", v1::FACT_KIND_TARGET, "t"}, changes_);
  mirror_.remove({"a//b", v1::FACT_KIND_TARGET, "t"}, changes_);
  EXPECT_TRUE(changes_.empty());
  EXPECT_EQ(mirror_.fact_count(), 1u);
}

TEST_F(MirrorTest, ATargetOfAnUnknownStateIsCountedNotLost) {
  ASSERT_TRUE(set("", v1::FACT_KIND_TARGET, "t", target_bytes(static_cast<v1::TargetState>(77))));
  EXPECT_EQ(mirror_.top().below().targets_total(), 1);
  mirror_.remove({"", v1::FACT_KIND_TARGET, "t"}, changes_);
  EXPECT_EQ(mirror_.top().below().targets_total(), 0);
}

TEST(FactBytes, AreTheSameForEqualMaps) {
  v1::NodeFact a;
  v1::NodeFact b;
  for (int i = 0; i < 50; ++i) (*a.mutable_labels())["k" + std::to_string(i)] = "v";
  for (int i = 49; i >= 0; --i) (*b.mutable_labels())["k" + std::to_string(i)] = "v";
  EXPECT_EQ(fact_bytes(a), fact_bytes(b));
}

}  // namespace
}  // namespace banyan::tree
