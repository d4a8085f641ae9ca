#include "common/io/send_queue.h"

#include <utility>

#include "common/base/check.h"

namespace banyan::io {

bool SendQueue::push(std::string frame) {
  if (bytes_ + frame.size() > max_bytes) return false;
  bytes_ += frame.size();
  frames_.push_back(std::move(frame));
  return true;
}

void SendQueue::pop() {
  CHECK(!frames_.empty());
  bytes_ -= frames_.front().size();
  frames_.pop_front();
}

std::size_t SendQueue::clear() {
  const std::size_t lost = frames_.size();
  frames_.clear();
  bytes_ = 0;
  return lost;
}

}  // namespace banyan::io
