#pragma once
// What happened, kept in memory: numbered here in the order of arrival, each origin's events
// exactly once. An origin's stream is (instance, boot) and counts from 1.
//
//   batch first > next  the origin still holds what lies between: refused (nack), nothing stored;
//                       it does not: a `gap` event, then on from the oldest that it holds
//   batch first < next  what was stored already is ignored and acknowledged again
//   a stream not known  begins behind what the origin says a root has acknowledged
//
// Bounds: events and their bytes (the oldest go, counted); streams remembered (the one idle longest
// goes: its origin's next batch is then judged as a new stream's). Single threaded.

#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "banyan/v1/link.pb.h"
#include "common/base/time.h"

namespace banyan::view {

struct StoredEvent {
  std::uint64_t seq = 0;
  std::int64_t time_ms = 0;
  std::string path;  // of what it is about, from the top
  std::string node_id;
  std::string kind;
  std::string text;
  std::string data;  // always a JSON object
};

struct OwnEvent {  // of the node that serves
  std::string kind;
  std::string path;
  std::string text;
  std::string data = "{}";
};

struct EventLimits {
  std::size_t events = 10'000;
  std::size_t bytes = 32U << 20U;
  std::size_t streams = 65'536;
};

class EventLog {
 public:
  EventLog() : EventLog(std::string(), EventLimits{}) {}
  explicit EventLog(std::string instance, EventLimits limits = {})
      : instance_(std::move(instance)), limits_(limits) {}

  // A batch whose path is from the top. The answer goes back to the origin.
  v1::EventAck accept(const v1::EventBatch& batch, WallTime now);
  void add(OwnEvent event, WallTime now);

  const std::deque<StoredEvent>& events() const { return events_; }  // oldest first
  std::uint64_t last_seq() const { return last_seq_; }
  std::uint64_t dropped() const { return dropped_; }

 private:
  using StreamKey = std::tuple<std::string, std::int64_t, std::uint64_t>;  // instance, boot
  struct Stream {
    std::uint64_t stored = 0;  // everything up to this number
    std::list<StreamKey>::iterator idle_place;
  };

  Stream& stream_of(const StreamKey& key);
  void record_gap(const v1::EventBatch& batch, std::uint64_t from, WallTime now);
  void store(StoredEvent event);

  std::string instance_;
  EventLimits limits_;
  std::deque<StoredEvent> events_;
  std::size_t bytes_ = 0;
  std::uint64_t last_seq_ = 0;
  std::uint64_t dropped_ = 0;
  std::map<StreamKey, Stream> streams_;
  std::list<StreamKey> idle_;  // longest idle first
};

std::string event_json(const StoredEvent& event);

}  // namespace banyan::view
