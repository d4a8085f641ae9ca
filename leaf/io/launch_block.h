#pragma once
// A prepared launch (launch_child.h) as one block of memory that can be handed to the keeper: a
// head with the plain values, and behind it limits, groups and strings, each ended by a zero. The
// leaf sends it in a packet or, a large one, as a memory file; the keeper copies it and launches
// from it in place. Used by both; libc only.

#include <cstddef>
#include <cstdint>

#include "leaf/io/launch_child.h"

namespace banyan::leaf {

// The block, to be freed by the caller; its size in `size`. nullptr = no memory. Descriptors of the
// frame are not part of it.
char* make_launch_block(const ChildFrame& frame, std::size_t& size);

// A block in a new memory file. -1 = errno.
int store_launch_block(const char* block, std::size_t size);

class LaunchBlock {
 public:
  LaunchBlock() = default;
  LaunchBlock(const LaunchBlock&) = delete;
  LaunchBlock& operator=(const LaunchBlock&) = delete;
  ~LaunchBlock();

  // False when it is no such block, or one of another version of this program. One of them, once.
  bool open(int file, std::size_t size);
  bool copy(const char* block, std::size_t size);
  // Points into this block; without descriptors.
  const ChildFrame& frame() const { return frame_; }
  // The value of a variable of the environment; nullptr when there is none.
  const char* variable(const char* name) const;

 private:
  bool make_room(std::size_t size);
  bool read();
  bool read_list(std::uint64_t at);
  // nowhere (0) leaves `into` as it is.
  template <class Text>
  bool read_text(std::uint64_t at, Text*& into) {
    if (at >= size_) return false;
    if (at != 0) into = static_cast<char*>(memory_) + at;
    return true;
  }
  template <class T>
  bool read_array(std::uint64_t at, std::uint64_t count, const T*& into) {
    if (count == 0) return true;
    if (at == 0 || at >= size_ || at % alignof(T) != 0) return false;
    if (count > (size_ - at) / sizeof(T)) return false;
    into = reinterpret_cast<const T*>(static_cast<char*>(memory_) + at);
    return true;
  }

  void* memory_ = nullptr;
  std::size_t size_ = 0;
  ChildFrame frame_;
};

}  // namespace banyan::leaf
