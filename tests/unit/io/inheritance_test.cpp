// What a starting leaf makes of the processes that its keeper hands over.

#include "leaf/io/inheritance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "leaf/io/launcher.h"

namespace banyan::leaf {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* instance = "0123456789abcdef";

KeptRun run_of(std::uint64_t generation, std::uint32_t flags = 0) {
  KeptRun run;
  keeper::set_target(run.message, "api", 3);
  run.message.generation = generation;
  run.message.pid = static_cast<int>(generation) + 100;
  run.message.started_ns = 1'000;
  run.message.flags = flags;
  if ((flags & keeper::over) != 0) run.message.ended_ms = 1'600'000'000'000;
  return run;
}

class Inheriting : public testing::Test {
 protected:
  // As a keeper does: the newest first.
  template <class... Runs>
  void held(Runs... runs) {
    (link_.runs.push_back(std::move(runs)), ...);
    TargetConfig target;
    target.name = "api";
    target.command = {"/bin/api"};
    all_ = inherit(link_, {target}, instance);
  }
  std::vector<std::uint64_t> adopted() const {
    std::vector<std::uint64_t> list;
    for (const AdoptedRun& run : all_.legacy.runs) list.push_back(run.generation);
    return list;
  }
  std::vector<std::uint64_t> ended() const {
    std::vector<std::uint64_t> list;
    for (const EndedRun& run : all_.legacy.ended) list.push_back(run.generation);
    return list;
  }
  // Whose exits the process table is to tell.
  std::vector<std::uint64_t> untold() const {
    std::vector<std::uint64_t> list;
    for (const KeptRun& run : link_.runs) {
      const bool known = (run.message.flags & keeper::acknowledged) != 0;
      if (!known && run.replaced) list.push_back(run.message.generation);
    }
    return list;
  }

  KeeperLink link_;
  Inheritance all_;
};

TEST_F(Inheriting, TheNewestRunIsAdopted) {
  held(run_of(7));
  EXPECT_THAT(adopted(), ElementsAre(7U));
  EXPECT_THAT(ended(), IsEmpty());
  EXPECT_FALSE(link_.runs[0].replaced);
  EXPECT_THAT(all_.marks, ElementsAre(target_mark(instance, "api", 7)));
}

TEST_F(Inheriting, AnEarlierRunThatEndedUnacknowledgedIsStillToBeTold) {
  held(run_of(7), run_of(6, keeper::over));
  EXPECT_THAT(adopted(), ElementsAre(7U));
  EXPECT_THAT(ended(), ElementsAre(6U));
  EXPECT_THAT(untold(), ElementsAre(6U));
  EXPECT_EQ(wall_ms(all_.legacy.ended[0].ended), 1'600'000'000'000);
  EXPECT_EQ(all_.legacy.ended[0].started, Time{std::chrono::nanoseconds{1'000}});
}

TEST_F(Inheriting, EndsAreToldInTheOrderOfTheRuns) {
  held(run_of(7, keeper::over), run_of(6, keeper::over), run_of(5, keeper::over));
  EXPECT_THAT(adopted(), ElementsAre(7U));
  EXPECT_THAT(ended(), ElementsAre(5U, 6U));
  EXPECT_THAT(untold(), ElementsAre(5U, 6U));
  EXPECT_EQ(link_.runs.back().message.generation, 7U);
}

TEST_F(Inheriting, AnAcknowledgedEndIsNotToldAgain) {
  held(run_of(7), run_of(6, keeper::over | keeper::acknowledged));
  EXPECT_THAT(adopted(), ElementsAre(7U));
  EXPECT_THAT(ended(), IsEmpty());
  EXPECT_THAT(untold(), IsEmpty());
}

TEST_F(Inheriting, AnEarlierRunThatLivesIsAStray) {
  held(run_of(7), run_of(6));
  EXPECT_THAT(adopted(), ElementsAre(7U));
  EXPECT_THAT(ended(), IsEmpty());
  EXPECT_EQ(all_.marks.size(), 1U);
}

TEST_F(Inheriting, OfATargetThatIsNotConfiguredNothingIsTold) {
  auto stranger = run_of(6, keeper::over);
  keeper::set_target(stranger.message, "old", 3);
  held(run_of(7), std::move(stranger));
  EXPECT_THAT(adopted(), ElementsAre(7U));
  EXPECT_THAT(untold(), IsEmpty());
}

}  // namespace
}  // namespace banyan::leaf
