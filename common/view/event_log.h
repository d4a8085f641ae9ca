#pragma once
// What happened, kept in memory: numbered here in the order of arrival, each origin's events
// exactly once. An origin's stream is (instance, boot) and counts from 1.
//
//   batch first > next  the origin still holds what lies between: refused (nack), nothing stored;
//                       it does not: a `gap` event, then on from the oldest that it holds
//   batch first < next  what was stored already is ignored and acknowledged again
//   a stream not known  begins behind what the origin says a root has acknowledged
//
// With a store on disk, every event accepted is also a row for it, until it is taken; what an
// earlier run stored is known from the start. What is not there yet can be read here alone.
// Bounds: events and their bytes (the oldest go, counted); streams remembered (the one idle longest
// goes: its origin's next batch is then judged as a new stream's). Single threaded.

#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "banyan/v1/link.pb.h"
#include "common/base/time.h"
#include "common/view/history.h"

namespace banyan::view {

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

  // At most once, before anything else: from now on there are rows to be taken. `own`: the stream
  // of the node that serves.
  void resume(const History& history, StreamId own);
  // So much may have been taken and not be stored yet: it is kept besides what the limits keep.
  void keep_unstored(std::size_t events, std::size_t bytes) {
    limits_.events += events;
    limits_.bytes += bytes;
  }
  std::vector<EventRow> take_rows() { return std::exchange(rows_, {}); }

  // A batch whose path is from the top. The answer goes back to the origin.
  v1::EventAck accept(const v1::EventBatch& batch, WallTime now);
  void add(OwnEvent event, WallTime now);

  const std::deque<StoredEvent>& events() const { return events_; }  // oldest first
  std::uint64_t last_seq() const { return last_seq_; }
  std::uint64_t total() const { return total_; }  // in this run
  std::uint64_t dropped() const { return dropped_; }

 private:
  struct Stream {
    std::uint64_t stored = 0;  // everything up to this number
    std::list<StreamId>::iterator idle_place;
  };

  Stream& stream_of(const StreamId& key);
  void record_gap(const v1::EventBatch& batch, std::uint64_t from, WallTime now);
  // `row`: its place in its stream.
  void store(StoredEvent event, EventRow row);

  std::string instance_;
  EventLimits limits_;
  std::deque<StoredEvent> events_;
  std::size_t bytes_ = 0;
  std::uint64_t last_seq_ = 0;
  std::uint64_t total_ = 0;
  std::uint64_t dropped_ = 0;
  std::map<StreamId, Stream> streams_;
  std::list<StreamId> idle_;  // longest idle first
  bool keeps_rows_ = false;
  std::vector<EventRow> rows_;
  StreamId own_;
  std::uint64_t last_own_ = 0;
};

std::string event_json(const StoredEvent& event);

}  // namespace banyan::view
