#include "leaf/target_status.h"

#include "common/base/units.h"

namespace banyan::leaf {

std::string_view state_name(TargetState state) {
  switch (state) {
    case TargetState::pending:
      return "pending";
    case TargetState::starting:
      return "starting";
    case TargetState::running:
      return "running";
    case TargetState::stopping:
      return "stopping";
    case TargetState::stopped:
      return "stopped";
    case TargetState::backing_off:
      return "backing_off";
    case TargetState::exited:
      return "exited";
    case TargetState::failed:
      return "failed";
  }
  return "unknown";
}

std::string_view health_name(Health health) {
  switch (health) {
    case Health::unknown:
      return "unknown";
    case Health::healthy:
      return "healthy";
    case Health::degraded:
      return "degraded";
    case Health::unhealthy:
      return "unhealthy";
  }
  return "unknown";
}

std::string describe_exit(const LastExit& exit) {
  if (exit.unknown) return "exit=unknown (its keeper was killed)";
  if (exit.signal == 0) return "exit=" + std::to_string(exit.code);
  return "signal=" + signal_name(exit.signal) + (exit.core ? " core" : "") +
         (exit.oom ? " oom" : "");
}

}  // namespace banyan::leaf
