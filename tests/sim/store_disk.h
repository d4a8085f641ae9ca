#pragma once
// The store of a simulated root: what was handed over is on its way until commit(); a death of the
// program finds the writer anywhere in it, and what was not committed is gone. What was committed
// stays, also when nobody was told of it any more.

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "common/base/random.h"
#include "common/view/history.h"

namespace banyan::sim {

class StoreDisk {
 public:
  void take(view::StoreWrite write) { on_the_way_.push_back(std::move(write)); }
  // All that is on its way; the last ticket, 0 = there was nothing.
  std::uint64_t commit();
  // The last ticket that is on its way, 0 = there is nothing.
  std::uint64_t waiting() const { return on_the_way_.empty() ? 0 : on_the_way_.back().ticket; }
  void crash(Random& random);

  view::History history() const;
  view::HistoryAnswer read(const view::HistoryAsk& ask) const;
  // In the order in which they were committed.
  const std::vector<view::EventRow>& rows() const { return rows_; }

 private:
  std::uint64_t commit_one();

  std::deque<view::StoreWrite> on_the_way_;
  std::vector<view::EventRow> rows_;
  std::map<view::StreamId, std::uint64_t> stored_;  // up to this number
  std::map<std::string, view::CommandRow> commands_;
};

}  // namespace banyan::sim
