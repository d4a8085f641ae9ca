#pragma once
// The block of one launch (launch_block.h) on its way to the keeper: in the packet, which spares
// both sides a file; or in a memory file, when it is large or the keeper older than that. Called by
// ProcessTable on the loop's thread.

#include <cstdint>

#include "leaf/io/descriptor.h"
#include "leaf/io/keeper_wire.h"
#include "leaf/io/launch_child.h"

namespace banyan::leaf {

class LaunchCargo {
 public:
  LaunchCargo() = default;
  LaunchCargo(const LaunchCargo&) = delete;
  LaunchCargo& operator=(const LaunchCargo&) = delete;
  ~LaunchCargo();

  // Once, into a packet without descriptors, which borrows it. `keeper_version`: of its wire, 0 =
  // not known. False = errno.
  bool load(const ChildFrame& frame, std::uint32_t keeper_version, keeper::Packet& packet);

 private:
  char* block_ = nullptr;
  Descriptor file_;
};

}  // namespace banyan::leaf
