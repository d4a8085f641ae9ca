// What is to be done goes before what is to be told.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "leaf/leaf.h"
#include "leaf/target_facts.h"

namespace banyan {
namespace {

using leaf::EndSubtree;
using leaf::Launch;
using leaf::Launched;
using leaf::ProcessEvent;
using leaf::ProcessExited;
using leaf::SignalProcess;
using testing::IsEmpty;
using testing::SizeIs;

template <class T>
std::size_t count(const LeafEffects& effects) {
  std::size_t found = 0;
  for (const auto& effect : effects.processes) found += std::holds_alternative<T>(effect);
  return found;
}

bool exits(const LeafEffects& effects) {
  for (const auto& effect : effects.links.list) {
    if (std::holds_alternative<tree::Exit>(effect)) return true;
  }
  return false;
}

class LeafTurn : public testing::Test {
 protected:
  LeafTurn() : leaf_(options(), identity()) {
    LeafEffects ignored;
    leaf_.start(now_, ignored);
    for (const char* name : {"api", "db"}) {
      leaf_.handle(ProcessEvent(Launched{name, 1, 100}), now_, ignored);
    }
  }
  static LeafOptions options() {
    LeafOptions options;
    options.node.name = "web-1";
    for (const char* name : {"api", "db"}) {
      leaf::TargetConfig target;
      target.name = name;
      target.group = name;
      target.command = {"/bin/x"};
      options.targets.push_back(target);
    }
    return options;
  }
  static tree::Identity identity() {
    tree::Identity identity;
    identity.name = "web-1";
    identity.instance = "0123456789abcdef0123456789abcdef";
    return identity;
  }

  Now now_{Time{seconds{100}}, wall_from_ms(1'000'000)};
  Leaf leaf_;
};

TEST_F(LeafTurn, ADeadTargetIsLaunchedBeforeItsStoryIsTold) {
  LeafEffects done;
  leaf_.act(ProcessEvent(ProcessExited{"api", 1, 0, 9}), now_, done);
  EXPECT_EQ(count<EndSubtree>(done), 1U);
  EXPECT_EQ(count<Launch>(done), 1U);
  EXPECT_THAT(done.memories, IsEmpty());
  EXPECT_THAT(done.checks, IsEmpty());
  EXPECT_THAT(done.links.list, IsEmpty());
  LeafEffects told;
  leaf_.tell(now_, told);
  EXPECT_THAT(told.processes, IsEmpty()) << "twice";
  EXPECT_THAT(told.memories, SizeIs(testing::Ge(1U)));
  EXPECT_THAT(told.links.list, testing::Not(IsEmpty()));
}

TEST_F(LeafTurn, AllAreSignalledBeforeTheEndIsTold) {
  LeafEffects done;
  leaf_.act_stop(now_, done);
  EXPECT_EQ(count<SignalProcess>(done), 2U);
  EXPECT_THAT(done.links.list, IsEmpty());
  LeafEffects told;
  leaf_.tell(now_, told);
  EXPECT_THAT(told.processes, IsEmpty());
  EXPECT_FALSE(exits(told));
}

TEST_F(LeafTurn, ASecondStopEndsAtOnce) {
  LeafEffects ignored;
  leaf_.stop(now_, ignored);
  EXPECT_FALSE(exits(ignored));
  LeafEffects effects;
  leaf_.act_stop(now_, effects);
  leaf_.tell(now_, effects);
  EXPECT_TRUE(exits(effects));
  EXPECT_THAT(effects.processes, IsEmpty());
}

// The leaf before was killed between the two steps: generation 2 of api runs already.
class LeafAfterAKill : public testing::Test {
 protected:
  static LeafOptions options() {
    LeafOptions options;
    options.node.name = "web-1";
    leaf::TargetConfig target;
    target.name = "api";
    target.group = "api";
    target.command = {"/bin/x"};
    options.targets.push_back(target);
    options.legacy.runs.push_back({"api", 2, 101, Time{seconds{90}}});
    options.legacy.memories.push_back({"api", 1, 0, {}});
    options.legacy.ended.push_back({"api", 1, Time{seconds{50}}, ended});
    return options;
  }
  // The kinds of what is told when the end of generation 1 is heard, with the memories then kept.
  std::vector<std::string> hear_end(Leaf& leaf) {
    LeafEffects ignored;
    leaf.start(now_, ignored);
    const int before = leaf.events().held().events_size();
    ProcessExited exited{"api", 1, 7, 0};
    exited.at = ended;
    leaf.handle(ProcessEvent(exited), now_, effects_);
    std::vector<std::string> kinds;
    const auto held = leaf.events().held();
    for (int i = before; i < held.events_size(); ++i) kinds.push_back(held.events(i).kind());
    return kinds;
  }
  static tree::Identity identity() {
    tree::Identity identity;
    identity.name = "web-1";
    identity.instance = "0123456789abcdef0123456789abcdef";
    return identity;
  }

  static inline const WallTime ended = wall_from_ms(990'000);
  Now now_{Time{seconds{100}}, wall_from_ms(1'000'000)};
  LeafEffects effects_;
};

TEST_F(LeafAfterAKill, TheEndThatItDidNotTellIsTold) {
  Leaf leaf(options(), identity());
  EXPECT_THAT(hear_end(leaf), testing::ElementsAre("exited"));
  ASSERT_THAT(effects_.memories, SizeIs(1U));
  EXPECT_EQ(effects_.memories[0].generation, 2U);
  EXPECT_EQ(effects_.memories[0].restarts, 1U);
  EXPECT_EQ(effects_.memories[0].last_exit->code, 7);
  EXPECT_THAT(effects_.processes, IsEmpty());
}

TEST_F(LeafAfterAKill, TheEndThatIsInItsSpoolIsNotToldAgain) {
  auto options = LeafAfterAKill::options();
  leaf::RunEnded told{"api", 1, {}};
  v1::HeldEvents& spooled = options.spooled.emplace_back();
  spooled.set_last(1);
  *spooled.add_events() = *leaf::event_of(told, now_);
  Leaf leaf(std::move(options), identity());
  EXPECT_THAT(hear_end(leaf), IsEmpty());
  EXPECT_THAT(effects_.memories, SizeIs(1U)) << "that, too, may have been lost";
}

}  // namespace
}  // namespace banyan
