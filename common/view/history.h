#pragma once
// What a store on disk keeps of events and commands, as the parts that are pure see it: what they
// ask for, and what they are told. Plain values; the store itself is root/io/store.h.

#include <cstdint>
#include <string>
#include <vector>

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

struct StreamId {
  std::string instance;
  std::int64_t start_ms = 0;
  std::uint64_t random = 0;

  auto operator<=>(const StreamId&) const = default;
};

// Stored once for each (stream, number); with it everything up to `upto` of its stream counts as
// stored. A `gap` has the number of the first event that is missing.
struct EventRow {
  StreamId stream;
  std::uint64_t number = 0;
  std::uint64_t upto = 0;
  StoredEvent event;
};

// The newest of an id replaces what was there.
struct CommandRow {
  std::string id;
  std::uint64_t number = 0;
  std::int64_t created_ms = 0;
  std::int64_t ended_ms = 0;  // 0 = it runs
  std::string verb;
  std::string select;
  std::string issuer;
  std::string record;  // v1::StoredCommand
  bool audit = false;  // before anything of it is sent: on the disk itself when it is told stored
};

// One unit for the store, kept in the order of the tickets. Told stored: this one and all before.
struct StoreWrite {
  std::uint64_t ticket = 0;
  std::vector<EventRow> events;
  std::vector<CommandRow> commands;
};

// Events with above < seq < below, the newest first; 0 = no bound for since_ms.
struct HistoryAsk {
  std::uint64_t id = 0;
  std::uint64_t below = 0;
  std::uint64_t above = 0;
  std::int64_t since_ms = 0;
  std::vector<std::string> kinds;  // empty = all
  std::uint64_t most = 2'000;
};

struct HistoryAnswer {
  std::uint64_t id = 0;
  std::vector<StoredEvent> events;
  bool end = false;   // there are no older ones
  std::string error;  // it could not be read
};

// For the metrics.
struct StoreCounters {
  std::uint64_t waiting = 0;    // rows given and not yet stored
  std::uint64_t deferred = 0;   // batches left to their origins for a while
  std::uint64_t dropped = 0;    // events of this very node that were not stored
  std::uint64_t unaudited = 0;  // commands sent though their audit row could not be stored
  std::uint64_t failures = 0;
  std::uint64_t pruned = 0;  // events beyond what is kept
};

// What an earlier run left, for a start.
struct History {
  struct Stream {
    StreamId id;
    std::uint64_t stored = 0;
  };
  std::uint64_t last_seq = 0;         // at least; every new event gets a higher one
  std::vector<Stream> streams;        // longest idle first
  std::vector<std::string> commands;  // v1::StoredCommand, oldest first
};

}  // namespace banyan::view
