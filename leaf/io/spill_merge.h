#pragma once
// What targets wrote while no leaf was there (the keeper's spill files, see leaf/keeper/spill.h) is
// appended to their logs, before anything is read from their pipes.
//
// A kill of the leaf at any moment neither loses nor doubles a byte: a marker, replaced by rename,
// names the file that is being merged and where its stream ended before. Whoever finds the file
// beside its marker cuts the stream there and begins anew; removing the file ends its merge.
// Start only: it waits for the disk.

#include <cstdint>
#include <functional>
#include <string>

#include "leaf/io/stream_log.h"
#include "leaf/leaf_event.h"

namespace banyan::leaf {

struct MergedSpill {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::uint64_t dropped = 0;  // beyond the keeper's cap; a gap in the log
};

// `stream_of` opens the log that a file belongs to, configured.
MergedSpill merge_spill(
    const std::string& directory,
    const std::function<StreamLog&(const std::string& target, LogStream stream)>& stream_of);

}  // namespace banyan::leaf
