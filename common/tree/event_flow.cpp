#include "common/tree/event_flow.h"

#include <utility>

namespace banyan::tree {

bool EventFlow::add(RisingEvents& events) {
  const std::size_t size = events.source.bytes;
  const auto known = children_.find(events.source.child);
  const std::size_t of_child = known == children_.end() ? 0 : known->second.bytes;
  if (bytes_ + size > max_bytes || of_child + size > max_child) {
    ++dropped_;
    ++untold_;
    return false;
  }
  Waiting& waiting = children_[events.source.child];
  if (waiting.batches.empty()) turns_.push_back(events.source.child);
  bytes_ += size;
  waiting.bytes += size;
  waiting.batches.push_back(std::move(events));
  return true;
}

std::optional<RisingEvents> EventFlow::take() {
  if (turns_.empty()) return std::nullopt;
  const std::string child = std::move(turns_.front());
  turns_.pop_front();
  Waiting& waiting = children_.at(child);
  std::optional<RisingEvents> next = std::move(waiting.batches.front());
  waiting.batches.pop_front();
  bytes_ -= next->source.bytes;
  waiting.bytes -= next->source.bytes;
  if (waiting.batches.empty()) {
    children_.erase(child);
  } else {
    turns_.push_back(child);
  }
  return next;
}

std::vector<RisingEvents> EventFlow::clear() {
  std::vector<RisingEvents> all;
  while (auto next = take()) all.push_back(std::move(*next));
  return all;
}

std::uint64_t EventFlow::take_dropped() {
  return bytes_ > max_bytes / 2 ? 0 : std::exchange(untold_, 0);
}

}  // namespace banyan::tree
