// Told: whatever happens in between, the receiver ends with the sender's picture, and the digest
// speaks of what was taken.

#include <gtest/gtest.h>

#include <set>

#include "common/base/random.h"
#include "tests/unit/tree/link_pair.h"

namespace banyan::tree {
namespace {

using testing::instance_of;
using testing::target_bytes;

// The receiving end, written independently of Downlink.
class Receiver {
 public:
  void apply(const v1::Update& update) {
    if (update.transfer_begin()) {
      const auto keys = mirror_.keys_below("");
      stale_ = std::set<FactKey>(keys.begin(), keys.end());
      transferring_ = true;
    }
    for (const std::string& path : update.prunes()) {
      mirror_.remove_subtree(path, ignored_);
      std::erase_if(stale_, [&path](const FactKey& key) {
        return key.path == path || key.path.starts_with(path + "/");
      });
    }
    for (const v1::NodeFacts& node : update.nodes()) {
      for (const v1::Fact& fact : node.facts()) apply(node, fact);
    }
    if (!update.transfer_end()) return;
    for (const FactKey& key : stale_) mirror_.remove(key, ignored_);
    stale_.clear();
    transferring_ = false;
  }
  const Mirror& mirror() const { return mirror_; }
  bool transferring() const { return transferring_; }
  std::vector<std::string> order;

 private:
  void apply(const v1::NodeFacts& node, const v1::Fact& fact) {
    const FactKey key{node.path(), fact.kind(), fact.id()};
    order.push_back(key.path + "#" + key.id);
    stale_.erase(key);
    if (fact.removed()) {
      mirror_.remove(key, ignored_);
    } else {
      ASSERT_TRUE(mirror_.set(key, node.instance(), fact.value(), ignored_));
    }
  }

  Mirror mirror_;
  Changes ignored_;
  std::set<FactKey> stale_;
  bool transferring_ = false;
};

class ToldTest : public ::testing::Test {
 protected:
  ToldTest() {
    set("node", 1);
    told_.begin_transfer(sender_);
    drain();
    receiver_.order.clear();
  }

  void set(const std::string& id, int value) {
    Changes changes;
    ASSERT_TRUE(sender_.set({"", v1::FACT_KIND_OBSERVATION, id}, instance_of('1'),
                            std::to_string(value), changes));
    told_.note(changes);
  }
  void set_at(const std::string& path, const std::string& id, int value) {
    Changes changes;
    ASSERT_TRUE(sender_.set({path, v1::FACT_KIND_OBSERVATION, id}, instance_of('1'),
                            path + std::to_string(value), changes));
    told_.note(changes);
  }
  void remove_at(const std::string& path, const std::string& id) {
    Changes changes;
    sender_.remove({path, v1::FACT_KIND_OBSERVATION, id}, changes);
    told_.note(changes);
  }
  void prune(const std::string& path) {
    Changes changes;
    sender_.remove_subtree(path, changes);
    told_.note(changes);
  }
  void take_below(const std::string& path) {
    if (told_.transferring()) return;  // nobody asks meanwhile
    while (auto update = told_.take_below(path, sender_, 200)) {
      receiver_.apply(*update);
      if (receiver_.transferring()) continue;
      ASSERT_EQ(told_.digest(), receiver_.mirror().digest(""));
    }
    if (!receiver_.transferring()) {
      ASSERT_EQ(receiver_.mirror().digest(path), sender_.digest(path)) << path;
    }
  }
  void remove(const std::string& id) {
    Changes changes;
    sender_.remove({"", v1::FACT_KIND_OBSERVATION, id}, changes);
    told_.note(changes);
  }
  void take(std::size_t bytes) {
    const v1::Update update = told_.take(sender_, bytes);
    receiver_.apply(update);
    ASSERT_EQ(update.digest().low(), told_.digest().low);
    ASSERT_EQ(update.digest().high(), told_.digest().high);
    if (receiver_.transferring()) return;
    ASSERT_EQ(told_.digest(), receiver_.mirror().digest(""));
  }
  void take_some(std::size_t bytes) {
    if (!told_.empty()) take(bytes);
  }
  void drain() {
    while (!told_.empty()) take(1000);
  }

  Mirror sender_;
  Told told_;
  Receiver receiver_;
};

TEST_F(ToldTest, TheReceiverEqualsTheSenderAfterAnyInterleaving) {
  Random random(21);
  told_.begin_transfer(sender_);
  for (int step = 0; step < 20'000; ++step) {
    const std::string id = "x" + std::to_string(random.below(40));
    if (random.chance(0.01)) {
      told_.begin_transfer(sender_);
    } else if (random.chance(0.25)) {
      ASSERT_NO_FATAL_FAILURE(take_some(1 + random.below(300))) << step;
    } else if (random.chance(0.4)) {
      remove(id);
    } else {
      set(id, static_cast<int>(random.below(3)));
    }
    if (random.chance(0.005)) {
      ASSERT_NO_FATAL_FAILURE(drain());
      ASSERT_FALSE(receiver_.transferring());
      ASSERT_EQ(receiver_.mirror().digest(""), sender_.digest("")) << step;
      ASSERT_EQ(receiver_.mirror().fact_count(), sender_.fact_count()) << step;
    }
  }
}

TEST_F(ToldTest, AToldPointCountsEverythingPresentAsTold) {
  told_.reset(sender_);
  EXPECT_TRUE(told_.empty());
  EXPECT_EQ(told_.digest(), sender_.digest(""));
}

TEST_F(ToldTest, TheDigestDoesNotSpeakOfWhatIsStillWaiting) {
  told_.reset(sender_);
  const Digest before = told_.digest();
  set("x", 1);
  EXPECT_EQ(told_.digest(), before);
  EXPECT_NE(sender_.digest(""), before);
}

TEST_F(ToldTest, AValueThatReturnsToTheToldOneLeavesTheSet) {
  set("x", 1);
  told_.reset(sender_);
  set("x", 2);
  EXPECT_EQ(told_.size(), 1u);
  set("x", 1);
  EXPECT_TRUE(told_.empty());
  remove("x");
  set("x", 1);
  EXPECT_TRUE(told_.empty());
  set("new", 1);
  remove("new");
  EXPECT_TRUE(told_.empty());
}

TEST_F(ToldTest, TheOldestChangeGoesFirstHoweverOftenItChanges) {
  told_.reset(sender_);
  set("z", 1);
  set("a", 1);
  set("m", 1);
  set("z", 2);
  drain();
  EXPECT_EQ(receiver_.order, (std::vector<std::string>{"#z", "#a", "#m"}));
}

TEST_F(ToldTest, AHotKeyDoesNotStarveTheOthers) {
  told_.reset(sender_);
  set("a", 0);
  set("z", 0);
  for (int i = 1; i < 10; ++i) {
    take(1);
    set("a", i);
  }
  EXPECT_TRUE(receiver_.mirror().find_fact({"", v1::FACT_KIND_OBSERVATION, "z"}));
}

TEST_F(ToldTest, AnUpdateKeepsToTheBytesButTakesAtLeastOne) {
  told_.begin_transfer(sender_);
  for (int i = 0; i < 100; ++i) set("x" + std::to_string(i), 1);
  const v1::Update one = told_.take(sender_, 1);
  ASSERT_EQ(one.nodes_size(), 1);
  EXPECT_EQ(one.nodes(0).facts_size(), 1);
  EXPECT_LT(told_.take(sender_, 400).ByteSizeLong(), 500u);
}

TEST_F(ToldTest, ATransferSaysItsBeginAndItsEndOnce) {
  for (int i = 0; i < 20; ++i) set("x" + std::to_string(i), 1);
  told_.begin_transfer(sender_);
  int begins = 0;
  int ends = 0;
  while (!told_.empty()) {
    const v1::Update update = told_.take(sender_, 1);
    begins += update.transfer_begin() ? 1 : 0;
    ends += update.transfer_end() ? 1 : 0;
  }
  EXPECT_EQ(begins, 1);
  EXPECT_EQ(ends, 1);
}

TEST_F(ToldTest, ATransferRemovesWhatIsNotToldAgain) {
  set("old", 1);
  told_.begin_transfer(sender_);
  drain();
  Changes lost;
  sender_.remove({"", v1::FACT_KIND_OBSERVATION, "old"}, lost);  // and the news of it is lost
  told_.begin_transfer(sender_);
  drain();
  EXPECT_EQ(receiver_.mirror().digest(""), sender_.digest(""));
}

TEST_F(ToldTest, ATransferEndsEvenWhenAllOfItIsRemovedMeanwhile) {
  told_.begin_transfer(sender_);
  remove("node");
  ASSERT_FALSE(told_.empty());
  const v1::Update update = told_.take(sender_, 1000);
  EXPECT_TRUE(update.transfer_begin());
  EXPECT_TRUE(update.transfer_end());
}

TEST_F(ToldTest, ATransferEndsEvenWhenTheRestOfItIsRemovedMeanwhile) {
  set("last", 1);
  told_.begin_transfer(sender_);
  take(1);
  ASSERT_TRUE(receiver_.transferring());
  remove("node");
  drain();
  EXPECT_FALSE(receiver_.transferring());
  EXPECT_EQ(receiver_.mirror().fact_count(), sender_.fact_count());
}

// ---- prunes

TEST_F(ToldTest, APrunedSubtreeIsToldAsOnePathHoweverLargeItWas) {
  for (int i = 0; i < 500; ++i) set_at("a/b" + std::to_string(i), "x", i);
  set_at("a-b", "x", 1);
  drain();
  prune("a");
  EXPECT_EQ(told_.size(), 1u);
  const v1::Update update = told_.take(sender_, 10'000);
  EXPECT_EQ(update.prunes_size(), 1);
  EXPECT_LT(update.ByteSizeLong(), 60u);
  receiver_.apply(update);
  EXPECT_EQ(receiver_.mirror().digest(""), sender_.digest(""));
  EXPECT_NE(receiver_.mirror().find("a-b"), nullptr);
}

TEST_F(ToldTest, WhatComesBackAfterAPruneIsNotTakenAwayByIt) {
  set_at("a/b", "x", 1);
  drain();
  prune("a");
  set_at("a/b", "x", 2);
  set_at("a", "y", 1);
  take(10'000);
  EXPECT_EQ(receiver_.mirror().digest(""), sender_.digest(""));
  EXPECT_EQ(receiver_.mirror().fact_count(), 3u);
}

TEST_F(ToldTest, WhatWasNeverToldNeedsNoPrune) {
  set_at("a/b", "x", 1);
  prune("a");
  EXPECT_TRUE(told_.empty());
}

TEST_F(ToldTest, APruneThatWaitsFurtherUpGoesBeforeWhatIsAskedForBelowIt) {
  set_at("a/b", "x", 1);
  drain();
  prune("a");
  set_at("a/b", "x", 2);
  take_below("a/b");
  drain();
  EXPECT_EQ(receiver_.mirror().digest(""), sender_.digest(""));
}

TEST_F(ToldTest, TheReceiverEqualsTheSenderWithPrunesAndQuestionsInAnyOrder) {
  Random random(23);
  const std::vector<std::string> paths = {"a", "a/b", "a/b/c", "a-b", "a/d", "e", "e/f"};
  for (int step = 0; step < 20'000; ++step) {
    const std::string& path = paths[random.below(paths.size())];
    const std::string id = "x" + std::to_string(random.below(3));
    if (random.chance(0.005)) {
      told_.begin_transfer(sender_);
    } else if (random.chance(0.1)) {
      prune(path);
    } else if (random.chance(0.1)) {
      ASSERT_NO_FATAL_FAILURE(take_below(path)) << step;
    } else if (random.chance(0.2)) {
      ASSERT_NO_FATAL_FAILURE(take_some(1 + random.below(200))) << step;
    } else if (random.chance(0.3)) {
      remove_at(path, id);
    } else {
      set_at(path, id, static_cast<int>(random.below(3)));
    }
    if (!random.chance(0.01)) continue;
    ASSERT_NO_FATAL_FAILURE(drain());
    ASSERT_EQ(receiver_.mirror().digest(""), sender_.digest("")) << step;
    ASSERT_EQ(receiver_.mirror().fact_count(), sender_.fact_count()) << step;
  }
}

// ---- after a break

TEST_F(ToldTest, AfterABreakOnlyWhatWasLostIsToldAgain) {
  Random random(24);
  const std::vector<std::string> paths = {"a", "a/b", "c", "c/d"};
  int resumed = 0;
  for (int round = 0; round < 2'000; ++round) {
    std::vector<v1::Update> sent;
    for (int i = 0; i < 8; ++i) {
      const std::string& path = paths[random.below(paths.size())];
      if (random.chance(0.1)) {
        prune(path);
      } else {
        set_at(path, "x" + std::to_string(random.below(4)), static_cast<int>(random.below(4)));
      }
      if (!told_.empty() && random.chance(0.5)) sent.push_back(told_.take(sender_, 50));
    }
    const std::size_t arrived = random.below(sent.size() + 1);
    for (std::size_t i = 0; i < arrived; ++i) receiver_.apply(sent[i]);
    if (random.chance(0.5)) told_.acknowledged(random.below(arrived + 1));
    told_.reset(sender_);
    if (random.chance(0.3)) told_.reset(sender_);  // a Hello that came to nothing
    set_at("late", "x", round);
    told_.begin_session(receiver_.mirror().digest(""), sender_);
    const bool exact = told_.digest() == receiver_.mirror().digest("");
    resumed += exact ? 1 : 0;
    if (!exact) told_.begin_transfer(sender_);
    drain();
    ASSERT_EQ(receiver_.mirror().digest(""), sender_.digest("")) << round;
    ASSERT_EQ(receiver_.mirror().fact_count(), sender_.fact_count()) << round;
    told_.reset(sender_);
    told_.begin_session(sender_.digest(""), sender_);
  }
  EXPECT_GT(resumed, 1'500);
}

TEST(ToldOfNothing, ATransferOfAnEmptyMirrorIsStillTold) {
  Mirror empty;
  Told told;
  told.begin_transfer(empty);
  ASSERT_FALSE(told.empty());
  const v1::Update update = told.take(empty, 1000);
  EXPECT_TRUE(update.transfer_begin());
  EXPECT_TRUE(update.transfer_end());
  EXPECT_TRUE(told.empty());
}

}  // namespace
}  // namespace banyan::tree
