#include "tests/sim/store_disk.h"

#include <algorithm>

namespace banyan::sim {
namespace {

constexpr std::uint64_t seq_leap = 1'000'000;  // no root of a simulation closes its store

}  // namespace

std::uint64_t StoreDisk::commit_one() {
  view::StoreWrite write = std::move(on_the_way_.front());
  on_the_way_.pop_front();
  for (auto& row : write.events) {
    stored_[row.stream] = std::max(stored_[row.stream], row.upto);
    rows_.push_back(std::move(row));
  }
  for (auto& row : write.commands) commands_[row.id] = std::move(row);
  return write.ticket;
}

std::uint64_t StoreDisk::commit() {
  std::uint64_t ticket = 0;
  while (!on_the_way_.empty()) ticket = commit_one();
  return ticket;
}

void StoreDisk::crash(Random& random) {
  for (auto done = random.below(on_the_way_.size() + 1); done > 0; --done) commit_one();
  on_the_way_.clear();
}

view::History StoreDisk::history() const {
  view::History found;
  for (const auto& row : rows_) found.last_seq = std::max(found.last_seq, row.event.seq);
  found.last_seq += seq_leap;
  for (const auto& [id, upto] : stored_) found.streams.push_back({id, upto});
  std::map<std::uint64_t, std::string> by_number;
  for (const auto& [id, row] : commands_) by_number[row.number] = row.record;
  for (auto& [number, record] : by_number) found.commands.push_back(std::move(record));
  return found;
}

view::HistoryAnswer StoreDisk::read(const view::HistoryAsk& ask) const {
  view::HistoryAnswer answer{ask.id, {}, true, {}};
  for (auto it = rows_.rbegin(); it != rows_.rend(); ++it) {
    const auto& event = it->event;
    const bool wanted = ask.kinds.empty() || std::find(ask.kinds.begin(), ask.kinds.end(),
                                                       event.kind) != ask.kinds.end();
    const bool inside = event.seq < ask.below && event.seq > ask.above;
    if (wanted && inside && event.time_ms >= ask.since_ms) answer.events.push_back(event);
  }
  return answer;
}

}  // namespace banyan::sim
