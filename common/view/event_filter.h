#pragma once
// Which events a list is about. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/tree/mirror.h"
#include "common/tree/selector.h"
#include "common/view/history.h"
#include "common/view/query.h"

namespace banyan::view {

struct EventFilter {
  std::uint64_t below = INT64_MAX;  // seq
  std::uint64_t above = 0;          // seq
  std::optional<WallTime> since;
  std::vector<std::string> kinds;
  tree::Selector selector;

  static Result<EventFilter> read(const Query& query, WallTime now);
  bool passes(const StoredEvent& event, const tree::Mirror& mirror) const;
};

}  // namespace banyan::view
