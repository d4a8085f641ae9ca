#pragma once
// The words of sd_notify(3): lines of NAME=VALUE in one datagram. Pure.

#include <optional>
#include <string_view>

#include "leaf/leaf_event.h"

namespace banyan::leaf {

// Nothing when there is no word in it that is understood here. Others (MAINPID, FDSTORE, BARRIER,
// ...) are passed over. STATUS is made visible and cut at 256 bytes. Target and generation are left
// open.
std::optional<Notified> parse_notification(std::string_view text);

// A target's mark "<instance>/<target>#<generation>" of this instance.
struct MarkOwner {
  std::string target;
  std::uint64_t generation = 0;
};
std::optional<MarkOwner> parse_mark(std::string_view mark, std::string_view instance);

}  // namespace banyan::leaf
