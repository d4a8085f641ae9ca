// What is to be done goes before what is to be told.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "leaf/leaf.h"

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

}  // namespace
}  // namespace banyan
