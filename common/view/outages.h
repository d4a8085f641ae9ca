#pragma once
// Outages as a view over facts: one per root cause.
//
//   node_lost          a lost node with nothing lost above it; what hangs behind it is `affected`
//   target_failed      a target that is not tried any more
//   target_crashing    a target that is backing off after at least three restarts
//
// Suspect, left and unreachable nodes open none. Cost: only ways down to something that is broken
// are walked. Bounded by max_outages.

#include <string>
#include <vector>

#include <boost/json.hpp>

#include "common/base/time.h"
#include "common/tree/mirror.h"

namespace banyan::view {

struct Outage {
  std::string id;  // the same as long as cause and beginning are
  std::string root_cause;
  std::string kind;
  std::int64_t opened_ms = 0;
  std::int64_t nodes = 0;  // behind the cause, without it
  std::int64_t targets = 0;
  std::vector<std::string> evidence;

  bool operator==(const Outage&) const = default;
};

inline constexpr std::size_t max_outages = 10'000;

std::vector<Outage> find_outages(const tree::Mirror& mirror);

// `closed_ms` 0 = it is open.
boost::json::object outage_json(const Outage& outage, std::int64_t closed_ms = 0);

}  // namespace banyan::view
