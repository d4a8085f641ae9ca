#include "root/store_desk.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace banyan {
namespace {

std::size_t size_of(const view::EventRow& row) {
  const auto& event = row.event;
  return sizeof row + row.stream.instance.size() + event.path.size() + event.node_id.size() +
         event.kind.size() + event.text.size() + event.data.size();
}

}  // namespace

bool StoreDesk::may_take() {
  if (!is_full()) return true;
  behind_ = true;
  ++deferred_;
  return false;
}

std::vector<view::StoreWrite> StoreDesk::take(std::vector<view::EventRow> events,
                                              std::vector<view::CommandRow> commands,
                                              const std::string& own) {
  if (!open_) return {};
  if (is_full()) {
    dropped_ += std::erase_if(events, [&](const auto& row) { return row.stream.instance == own; });
  }
  if (events.empty() && commands.empty()) {
    // What was held belongs to the last write.
    for (auto& ack : acks_) ack.ticket = std::min(ack.ticket, next_ - 1);
    for (auto& request : requests_) request.ticket = std::min(request.ticket, next_ - 1);
    return {};
  }
  Written written{next_, events.size() + commands.size(), 0};
  for (const auto& row : events) written.bytes += size_of(row);
  for (const auto& row : commands) written.bytes += sizeof row + row.record.size();
  rows_ += written.rows;
  bytes_ += written.bytes;
  written_.push_back(written);
  std::vector<view::StoreWrite> writes;
  writes.push_back({next_++, std::move(events), std::move(commands)});
  return writes;
}

void StoreDesk::on_done(std::uint64_t ticket) {
  if (ticket > done_) failing_ = false;  // what was known to be stored says nothing of now
  done_ = std::max(done_, ticket);
  while (!written_.empty() && written_.front().ticket <= done_) {
    rows_ -= written_.front().rows;
    bytes_ -= written_.front().bytes;
    written_.pop_front();
  }
}

bool StoreDesk::on_failed(std::uint64_t ticket) {
  given_up_ = std::max(given_up_, ticket);
  ++failures_;
  return !std::exchange(failing_, true);
}

template <class Message>
std::vector<Message> StoreDesk::take_upto(std::deque<Held<Message>>& held, std::uint64_t ticket) {
  std::vector<Message> ready;
  while (!held.empty() && held.front().ticket <= ticket) {
    ready.push_back(std::move(held.front().message));
    held.pop_front();
  }
  return ready;
}

std::vector<v1::EventAck> StoreDesk::take_acks() {
  return take_upto(acks_, open_ ? done_ : UINT64_MAX);
}

std::vector<v1::Request> StoreDesk::take_requests(Time now) {
  auto waiting = take_upto(requests_, open_ ? done_ : UINT64_MAX);
  auto unaudited = take_upto(requests_, given_up_);
  unaudited_ += unaudited.size();
  std::move(unaudited.begin(), unaudited.end(), std::back_inserter(waiting));
  std::vector<v1::Request> ready;
  for (auto& [request, since] : waiting) {
    const Duration left = milliseconds{request.ttl_ms()} - (now - since);
    if (left <= Duration{0}) continue;
    request.set_ttl_ms(static_cast<std::uint32_t>(left / milliseconds{1}));
    ready.push_back(std::move(request));
  }
  return ready;
}

view::StoreCounters StoreDesk::counters() const {
  view::StoreCounters counters;
  counters.waiting = rows_;
  counters.deferred = deferred_;
  counters.dropped = dropped_;
  counters.unaudited = unaudited_;
  counters.failures = failures_;
  counters.pruned = pruned_;
  return counters;
}

bool StoreDesk::take_rewind() {
  if (!behind_ || rows_ > max_rows / 2 || bytes_ > max_bytes / 2) return false;
  behind_ = false;
  return true;
}

}  // namespace banyan
