#include "leaf/run_outcome.h"

#include <gtest/gtest.h>

namespace banyan::leaf {
namespace {

TargetStatus ended(TargetState state, int code, int signal) {
  TargetStatus status;
  status.state = state;
  status.last_exit.emplace();
  status.last_exit->code = code;
  status.last_exit->signal = signal;
  return status;
}

TEST(RunOutcome, IsTheExitCodeOfTheCommand) {
  EXPECT_EQ(run_outcome(ended(TargetState::exited, 0, 0)), 0);
  EXPECT_EQ(run_outcome(ended(TargetState::exited, 3, 0)), 3);
  EXPECT_EQ(run_outcome(ended(TargetState::failed, 7, 0)), 7);
}

TEST(RunOutcome, IsHigherBy128ForASignal) {
  EXPECT_EQ(run_outcome(ended(TargetState::stopped, 0, 15)), 143);
}

TEST(RunOutcome, TellsAMissingProgramFromOneThatCannotBeStarted) {
  TargetStatus status;
  status.state = TargetState::failed;
  status.error = "exec /no/such: No such file or directory (ENOENT)";
  EXPECT_EQ(run_outcome(status), 127);
  status.error = "exec /etc/passwd: Permission denied (EACCES)";
  EXPECT_EQ(run_outcome(status), 126);
}

TEST(RunOutcome, IsNoneWhileItMayRunAgain) {
  for (const auto state : {TargetState::pending, TargetState::starting, TargetState::running,
                           TargetState::stopping, TargetState::backing_off}) {
    EXPECT_FALSE(run_outcome(ended(state, 1, 0)));
  }
}

}  // namespace
}  // namespace banyan::leaf
