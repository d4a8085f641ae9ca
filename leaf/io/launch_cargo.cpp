#include "leaf/io/launch_cargo.h"

#include <cstdlib>

#include "leaf/io/launch_block.h"

namespace banyan::leaf {

LaunchCargo::~LaunchCargo() { std::free(block_); }

bool LaunchCargo::load(const ChildFrame& frame, std::uint32_t keeper_version,
                       keeper::Packet& packet) {
  std::size_t size = 0;
  block_ = make_launch_block(frame, size);
  if (block_ == nullptr) return false;
  packet.message.block_size = size;
  if (keeper_version >= keeper::block_version && size <= keeper::block_max) {
    packet.message.has |= keeper::has_block;
    packet.block = block_;
    return true;
  }
  file_.reset(store_launch_block(block_, size));
  packet.add(file_.get());
  return static_cast<bool>(file_);
}

}  // namespace banyan::leaf
