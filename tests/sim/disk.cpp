#include "tests/sim/disk.h"

#include <algorithm>

#include <fmt/format.h>

namespace banyan::sim {

void Disk::commit(view::StoreWrite write) {
  for (auto& row : write.events) {
    stored_[row.stream] = std::max(stored_[row.stream], row.upto);
    rows_.push_back(std::move(row));
  }
  for (auto& row : write.commands) commands_[row.id] = std::move(row);
}

view::History Disk::history() const {
  view::History found;
  found.last_seq = (rows_.empty() ? 0 : rows_.back().event.seq) + 1'000'000;
  for (const auto& [id, upto] : stored_) found.streams.push_back({id, upto});
  std::map<std::uint64_t, std::string> by_number;
  for (const auto& [id, row] : commands_) by_number[row.number] = row.record;
  for (auto& [number, record] : by_number) found.commands.push_back(record);
  return found;
}

view::HistoryAnswer Disk::read(const view::HistoryAsk& ask) const {
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

std::string Disk::check_store() const {
  std::string wrong;
  std::map<view::StreamId, std::uint64_t> upto;
  std::uint64_t seq = 0;
  for (const auto& row : rows_) {
    const auto expected = upto[row.stream] + 1;
    if (row.number != expected) {
      wrong += fmt::format("{}: {} where {} was due\n", row.stream.instance, row.number, expected);
    }
    if (row.event.kind == "gap") wrong += row.stream.instance + ": a gap\n";
    if (row.event.seq <= seq) wrong += fmt::format("seq {} came twice\n", row.event.seq);
    upto[row.stream] = row.upto;
    seq = row.event.seq;
  }
  return wrong;
}

void Disk::begin(const std::string& instance, const v1::Boot& boot) {
  present_ = {instance, boot.start_ms(), boot.random()};
  *streams_[present_].mutable_boot() = boot;
}

void Disk::keep(const tree::SpoolEffects& effects) {
  auto& present = streams_[present_];
  for (const auto& event : effects.added) {
    *present.add_events() = event;
    present.set_last(present.last() + 1);
    produced_[present_] = present.last();
  }
  for (const auto& ack : effects.acked) {
    const auto it = streams_.find({ack.instance(), ack.boot().start_ms(), ack.boot().random()});
    if (it != streams_.end()) it->second.set_acked(ack.upto());
  }
  for (const auto& boot : effects.drained) {
    streams_.erase({present_.instance, boot.start_ms(), boot.random()});
  }
}

std::vector<v1::HeldEvents> Disk::spooled() const {
  std::vector<v1::HeldEvents> found;
  for (const auto& [id, held] : streams_) found.push_back(held);
  return found;
}

}  // namespace banyan::sim
