#include "common/io/heap.h"

#include <malloc.h>

namespace banyan::io {
namespace {

constexpr int largest_of_heap = 1 << 20;  // a frame is at most 256 KiB
constexpr int kept_at_its_end = 2 << 20;
constexpr int grown_at_once = 256 << 10;

}  // namespace

void settle_heap() {
  ::malloc_trim(0);
  ::mallopt(M_MMAP_THRESHOLD, largest_of_heap);
  ::mallopt(M_TRIM_THRESHOLD, kept_at_its_end);
  ::mallopt(M_TOP_PAD, grown_at_once);
}

}  // namespace banyan::io
