#pragma once
// Frames as bytes, and which frame may be said when. Everything from outside passes here first.

#include <string>
#include <string_view>

#include "banyan/v1/link.pb.h"
#include "common/base/result.h"

namespace banyan::tree {

inline constexpr std::size_t max_frame_bytes = 256 * 1024;
inline constexpr std::size_t max_update_bytes = 32 * 1024;
inline constexpr int max_facts_per_update = 4096;
inline constexpr int max_events_per_batch = 1024;
inline constexpr int max_targets_per_request = 1024;
inline constexpr int max_records_per_frame = 1024;
inline constexpr int max_gauges_per_frame = 4096;
inline constexpr int max_ancestors = 16;
inline constexpr int max_hops = 17;
inline constexpr std::uint32_t protocol_version = 1;

// Errors: too large, not a Frame, no kind, more repeated parts than allowed.
Result<v1::Frame> decode(std::string_view bytes);
std::string encode(const v1::Frame& frame);

// What Hello says of its sender's understanding beyond the first frames.
inline constexpr const char* feature_gauges = "gauges";
inline constexpr const char* feature_event_credit = "event_credit";
inline constexpr const char* feature_inventory = "inventory";

enum class Receiver { parent, child };

// Deny by default: the one table {kind x receiver x in a session}.
bool may_receive(v1::Frame::KindCase kind, Receiver receiver, bool in_session);

// "beat", "stream_open": for logs and refusals.
std::string kind_name(v1::Frame::KindCase kind);

}  // namespace banyan::tree
