#pragma once
// Frames of one connection that its socket did not take yet, in order. Bounded in bytes: a frame
// over the bound is refused whole, and the caller ends the connection. One thread.

#include <cstddef>
#include <deque>
#include <string>

namespace banyan::io {

class SendQueue {
 public:
  static constexpr std::size_t max_bytes = 4U << 20;

  bool empty() const { return frames_.empty(); }
  std::size_t size() const { return frames_.size(); }
  std::size_t bytes() const { return bytes_; }
  const std::string& front() const { return frames_.front(); }

  // False: it would exceed max_bytes; nothing changed.
  bool push(std::string frame);
  void pop();
  // How many frames were thrown away.
  std::size_t clear();

 private:
  std::deque<std::string> frames_;
  std::size_t bytes_ = 0;
};

}  // namespace banyan::io
