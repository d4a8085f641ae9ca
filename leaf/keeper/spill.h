#pragma once
// What targets write while no leaf is there: spliced from their pipes into files.
//
//   STATE_DIR/spill/<target>@<generation>.<stdout|stderr>.<epoch>             the bytes
//   STATE_DIR/spill/<target>@<generation>.<stdout|stderr>.<epoch>+<dropped>   and how many were
//   lost STATE_DIR/spill/<target>@<generation>.<stdout|stderr>.<epoch>.idx         when they came
//
// The index has entries of an offset (8 bytes) and a wall time in ns (8 bytes), one per 100 ms at
// most. The leaf merges the files and removes them. Beyond `max` bytes in all, or when the disk
// takes no more, bytes are read, dropped and counted, so that no target is stalled.

#include <cstddef>
#include <cstdint>

#include "leaf/keeper/run.h"

namespace banyan::leaf::keeper {

class Spiller {
 public:
  // Borrows the descriptor of the state directory.
  explicit Spiller(int state) : state_(state) {}

  void set_max(std::uint64_t bytes) { max_ = bytes; }
  // Moves what is there, at most about 1 MiB. At its end the pipe is closed.
  void take(Run& run, int stream);
  // A leaf is there: names what was dropped; the next byte begins a new file.
  void finish(Runs& runs);

 private:
  bool open_folder();
  // -1 = errno, as splice.
  std::int64_t store(const Run& run, int stream, Spill& spill);
  void stamp(const Run& run, int stream, Spill& spill);
  void finish(const Run& run, int stream, Spill& spill);

  int state_;
  int folder_ = -1;
  std::uint64_t max_ = 1ULL << 30;
  std::uint64_t used_ = 0;
};

}  // namespace banyan::leaf::keeper
