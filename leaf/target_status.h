#pragma once
// What is known of a target, and what is told when it changes. Plain values, made by the
// supervisor; the leaf turns them into facts, events and log lines.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "common/base/time.h"
#include "leaf/leaf_event.h"

namespace banyan::leaf {

enum class TargetState {
  pending,
  starting,
  running,
  stopping,
  stopped,
  backing_off,
  exited,
  failed
};
std::string_view state_name(TargetState state);  // "backing_off"
std::string_view health_name(Health health);     // "degraded"

struct RunUsage {  // with the children that were waited for; all 0 = not known
  std::int64_t user_ms = 0;
  std::int64_t system_ms = 0;
  std::int64_t max_rss_bytes = 0;  // of the largest single process
};

struct LastExit {
  int code = 0;  // when signal == 0
  int signal = 0;
  bool core = false;
  WallTime at{};
  bool unknown = false;  // it is over; nobody could say how
  bool oom = false;      // for want of memory
  std::int64_t ran_ms = 0;
  RunUsage used;
};

struct TargetStatus {
  std::string name;
  TargetState state = TargetState::pending;
  int pid = 0;                   // 0 = no main process
  std::uint64_t generation = 0;  // of the newest launch; 0 = never launched
  unsigned restarts = 0;         // by the supervisor's own decision, not by request
  std::optional<LastExit> last_exit;
  WallTime since{};   // in this state
  std::string error;  // why it is failed, ends or backs off for a failure, or waits in pending
  std::optional<WallTime> next_try;  // backing_off, or the next run of a schedule
  std::optional<Health> health;      // of the running instance; nothing = nobody looks at it
  std::string health_text;           // why it is not healthy
  std::string status_text;           // what it says of itself
};

// "exit=1" or "signal=SEGV core" or "exit=unknown (its keeper was killed)"
std::string describe_exit(const LastExit& exit);

struct StateChanged {
  TargetState was = TargetState::pending;
  TargetStatus now;
  bool recounted = false;  // the end of an earlier run was missing in it: to be remembered
};
struct RunStarted {
  std::string target;
  std::uint64_t generation = 0;
  int pid = 0;
};
struct RunAdopted {  // it was started by an earlier run of the agent
  std::string target;
  std::uint64_t generation = 0;
  int pid = 0;
};
struct RunEnded {  // exactly one for each RunStarted, or RunAdopted
  std::string target;
  std::uint64_t generation = 0;
  LastExit exit;
};
struct LaunchRefused {  // nothing ran
  std::string target;
  std::uint64_t generation = 0;
  int error_number = 0;
  std::string text;
};
struct BackingOff {
  std::string target;
  Duration delay{0};
  unsigned count = 0;  // restarts in a row
};
struct GaveUp {  // max_restarts is reached
  std::string target;
  std::uint64_t generation = 0;  // of the last run
  std::string text;
  unsigned restarts = 0;  // within `period`
  Duration period{0};
  std::optional<LastExit> last;
};
struct SubtreeStuck {  // processes that not even KILL ends
  std::string target;
  std::uint64_t generation = 0;
  unsigned unkillable = 0;
};
struct InstanceFailed {  // the supervisor ends it
  std::string target;
  std::uint64_t generation = 0;
  std::string kind;  // of the event: "start_timeout" "unhealthy" "watchdog" "over_limit"
  std::string text;
  std::string data;  // more members of the event's JSON object
};
struct RestartedAlong {  // with a failed member of its strategy group
  std::string target;
  std::uint64_t generation = 0;
  std::string with;
};
struct RunSkipped {  // the schedule's time came while the last run was not over
  std::string target;
  TargetState state = TargetState::pending;
};
struct HealthChanged {
  std::string target;
  std::uint64_t generation = 0;
  Health health = Health::unknown;
  std::string text;
};
struct SaidStatus {  // status_text changed
  std::string target;
};
struct TargetRemoved {  // no longer configured, and gone
  std::string target;
};
struct WantedChanged {  // to be kept for this boot
  std::string target;
  bool wanted = false;
};
using TargetNotice =
    std::variant<StateChanged, RunStarted, RunAdopted, RunEnded, LaunchRefused, BackingOff, GaveUp,
                 SubtreeStuck, InstanceFailed, RestartedAlong, RunSkipped, HealthChanged,
                 SaidStatus, TargetRemoved, WantedChanged>;

}  // namespace banyan::leaf
