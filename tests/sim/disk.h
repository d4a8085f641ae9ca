#pragma once
// What survives the crashes of one node: the store of a root, the event spool of a leaf or relay.
// What was written is there at once and whole; nothing else of a real disk is simulated.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/tree/event_outbox.h"
#include "common/view/history.h"

namespace banyan::sim {

class Disk {
 public:
  // ---- a root's store
  void commit(view::StoreWrite write);
  view::History history() const;
  view::HistoryAnswer read(const view::HistoryAsk& ask) const;
  // Each stream's events once, in order, and none missing; what is wrong.
  std::string check_store() const;
  // The last number of each stream.
  const std::map<view::StreamId, std::uint64_t>& stored() const { return stored_; }

  // ---- a spool
  void begin(const std::string& instance, const v1::Boot& boot);
  void keep(const tree::SpoolEffects& effects);
  std::vector<v1::HeldEvents> spooled() const;  // of earlier runs
  // The last number of each stream that this node ever began.
  const std::map<view::StreamId, std::uint64_t>& produced() const { return produced_; }

 private:
  std::vector<view::EventRow> rows_;
  std::map<view::StreamId, std::uint64_t> stored_;
  std::map<std::string, view::CommandRow> commands_;

  view::StreamId present_;
  std::map<view::StreamId, v1::HeldEvents> streams_;
  std::map<view::StreamId, std::uint64_t> produced_;
};

}  // namespace banyan::sim
