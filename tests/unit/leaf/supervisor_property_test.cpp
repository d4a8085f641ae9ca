// Random events over random configurations, from seeds: whatever the order in which the launcher
// and the checks answer, processes end, time passes, people ask, configurations change and the
// agent dies and comes back, these hold:
//   - never two main processes of a target at once, never a launch while one is alive
//   - a target is launched only while what it depends on is ready
//   - every request is answered exactly once (by an agent that lives)
//   - `stopped` is said only when nothing of the target is left
//   - every run that started or was adopted is told to have ended exactly once, and state changes
//   form a chain
//   - no check is asked for a process that is not there, nor two for the same purpose at once
//   - every deadline is honoured: none that is over is left
//   - nothing is stuck: when all goes well and time has passed, what is wanted runs; when the leaf
//     ends, all comes to rest
//
// BANYAN_PROPERTY_EVENTS=1000000 makes it longer (environment), BANYAN_PROPERTY_SEED=N begins
// there.

#include <cstdlib>

#include "tests/unit/leaf/supervisor_world.h"

namespace banyan::leaf {
namespace {

constexpr std::uint64_t steps = 200;

std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

TEST(SupervisorProperty, HoldsItsPromisesUnderAnyOrderOfEvents) {
  const auto events = number_from("BANYAN_PROPERTY_EVENTS", 40'000);
  const auto first = number_from("BANYAN_PROPERTY_SEED", 1);
  for (std::uint64_t seed = first; seed < first + events / steps && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SupervisorWorld{seed}.run(steps);
  }
}

}  // namespace
}  // namespace banyan::leaf
