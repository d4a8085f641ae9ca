#include "leaf/run_outcome.h"

namespace banyan::leaf {
namespace {

constexpr int base_of_signals = 128;
constexpr int not_found = 127;
constexpr int not_started = 126;

int code_of(const TargetStatus& status) {
  if (status.last_exit) {
    const LastExit& exit = *status.last_exit;
    return exit.signal == 0 ? exit.code : base_of_signals + exit.signal;
  }
  if (status.error.empty()) return 0;  // stopped before it ran
  return status.error.find("(ENOENT)") == std::string::npos ? not_started : not_found;
}

}  // namespace

std::optional<int> run_outcome(const TargetStatus& status) {
  switch (status.state) {
    case TargetState::pending:
    case TargetState::starting:
    case TargetState::running:
    case TargetState::stopping:
    case TargetState::backing_off:
      return std::nullopt;
    case TargetState::stopped:
    case TargetState::exited:
    case TargetState::failed:
      return code_of(status);
  }
  return std::nullopt;
}

}  // namespace banyan::leaf
