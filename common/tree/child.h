#pragma once
// What a parent keeps of one child beside its facts. Plain state, owned by Downlink.

#include <cstdint>
#include <deque>
#include <memory>
#include <set>
#include <string>

#include "common/tree/liveness.h"
#include "common/tree/mirror.h"
#include "common/tree/node_event.h"
#include "common/tree/refusal_meter.h"
#include "common/tree/repair.h"

namespace banyan::tree {

struct Child {
  std::string name;
  std::string role;
  std::string instance;
  std::string host;
  std::string version;
  v1::Boot boot;
  std::vector<v1::Boot> replaced;  // earlier boots of this instance, at most 4: never again
  std::uint64_t attach = 0;
  Duration interval{0};
  bool gauges = false;     // it understands a gauge_ask
  bool inventory = false;  // and an inventory
  bool event_credit = false;
  std::size_t event_owed = 0;            // bytes of events handed on, and not yet credited to it
  std::shared_ptr<const KeyHolder> key;  // null: a link without keys
  RefusalMeter refusals;                 // of what it said, as events

  ConnId conn = 0;  // of the living session; 0 = none
  std::uint64_t session = 0;
  std::uint64_t sequence_in = 0;
  std::uint64_t sequence_out = 0;
  std::uint64_t last_beat = 0;

  Liveness liveness{LivenessOptions{}};
  WallTime since{};
  Time gone_at{};                    // when it was lost or left
  std::deque<std::string> evidence;  // newest last, at most 8

  bool transferring = false;
  std::set<FactKey> stale;      // held, and not told again in the running transfer
  bool asked = false;           // a transfer was asked for and has not begun
  Repair repair;                // the descent that is running, if one is
  unsigned failed_repairs = 0;  // in a row that did not cure

  Time examine_at = never;  // when its connection is to be looked at
  Duration lateness{0};     // of its own loop, as it said in its last beat

  bool in_session() const { return session != 0; }
};

}  // namespace banyan::tree
