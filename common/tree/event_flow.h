#pragma once
// Events of others that wait to go on upward, at a relay.
//
//   a child may have `window` bytes of batches here (its parent's credit, see Downlink::hand_on);
//   they go on one batch of each child in turn, so that a loud one holds up nobody else. What comes
//   beyond the bounds (of a child that knows no credit, or of very many children) is dropped and
//   counted: its origin holds it, and is told to send again once half of the room is free.
//
// Bounds: max_child bytes of each child, max_bytes in all. Pure. Single threaded.

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "banyan/v1/link.pb.h"

namespace banyan::tree {

inline constexpr std::size_t event_window = 64 * 1024;

// By which session of which child they came, and how many bytes they were there.
struct EventSource {
  std::string child;
  std::uint64_t session = 0;
  std::size_t bytes = 0;
};

struct RisingEvents {
  EventSource source;
  v1::EventBatch batch;  // its path is from this node
};

class EventFlow {
 public:
  static constexpr std::size_t max_child = 2 * event_window;
  static constexpr std::size_t max_bytes = 16U << 20U;

  // False: there is no room; nothing is kept of it.
  bool add(RisingEvents& events);
  // The next one to go on.
  std::optional<RisingEvents> take();
  // Everything, which is to be sent again by its origins.
  std::vector<RisingEvents> clear();
  // How many batches were dropped, once, when there is room again; 0 otherwise.
  std::uint64_t take_dropped();

  std::size_t bytes() const { return bytes_; }
  std::uint64_t dropped() const { return dropped_; }

 private:
  struct Waiting {
    std::deque<RisingEvents> batches;
    std::size_t bytes = 0;
  };
  std::map<std::string, Waiting> children_;  // with at least one batch
  std::deque<std::string> turns_;            // the same, in order
  std::size_t bytes_ = 0;
  std::uint64_t dropped_ = 0;
  std::uint64_t untold_ = 0;  // dropped since the origins were told last
};

}  // namespace banyan::tree
