#pragma once
// A prepared launch (launch_child.h) as one block of memory that can be handed to the keeper: a
// head, and behind it the strings, each ended by a zero. The leaf writes it into a memory file, the
// keeper maps it privately and launches from it in place: it never copies what it launches.
// Used by both; libc only.

#include <cstddef>

#include "leaf/io/launch_child.h"

namespace banyan::leaf {

// The block in a new memory file; its size in `size`. -1 = errno. Descriptors of the frame are not
// part of it.
int write_launch_block(const ChildFrame& frame, std::size_t& size);

class LaunchBlock {
 public:
  LaunchBlock() = default;
  LaunchBlock(const LaunchBlock&) = delete;
  LaunchBlock& operator=(const LaunchBlock&) = delete;
  ~LaunchBlock();

  // False when it is no such block.
  bool open(int file, std::size_t size);
  // Points into this block; without descriptors.
  const ChildFrame& frame() const { return frame_; }
  // The value of a variable of the environment; nullptr when there is none.
  const char* variable(const char* name) const;

 private:
  bool read();

  void* memory_ = nullptr;
  std::size_t size_ = 0;
  ChildFrame frame_;
};

}  // namespace banyan::leaf
