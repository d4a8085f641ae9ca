#pragma once
// What the supervisor knows and tells, as facts and events of the tree. Pure functions.

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "banyan/v1/handover.pb.h"
#include "banyan/v1/link.pb.h"
#include "common/base/time.h"
#include "common/tree/node_event.h"
#include "leaf/adoption.h"
#include "leaf/supervisor.h"

namespace banyan::leaf {

v1::TargetState wire_state(TargetState state);
TargetState state_of(v1::TargetState state);  // pending when it is none that is known

// `wanted`: by people and configuration. An ended one-shot that succeeded is no longer wanted.
v1::TargetFact target_fact(const TargetStatus& status, const TargetConfig& config, bool wanted,
                           std::int64_t log_tail);

// The event that climbs to the root; nothing for what the facts alone tell.
std::optional<v1::Event> event_of(const TargetNotice& notice, Now now);

// Runs that were taken over, or are over since, and whose `exited` is among the events of earlier
// runs of the agent.
std::set<std::pair<std::string, std::uint64_t>> told_exits(
    const std::vector<v1::HeldEvents>& earlier, const Legacy& legacy);

// What is to be remembered over a restart of the agent; nothing when that has not changed.
std::optional<TargetMemory> memory_of(const TargetNotice& notice);
// "scaled", of a group of instances.
struct GroupScaled {
  std::string group;
  unsigned before = 0;
  unsigned instances = 0;
};
v1::Event scale_event(const GroupScaled& scaled, Now now);
// "reloaded", of the leaf itself.
v1::Event reload_event(const ReconfigureResult& result, Now now);

// One log line per change of state; nothing for the rest.
std::optional<tree::WriteLog> log_line_of(const TargetNotice& notice);

}  // namespace banyan::leaf
