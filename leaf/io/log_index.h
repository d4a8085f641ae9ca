#pragma once
// The index beside a log segment: when its bytes came. Fixed entries, one per batch of bytes, in
// the byte order of the machine. The segment is the truth: an index is cut or rebuilt to match it,
// never the other way round. Loop's thread.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "leaf/io/descriptor.h"

namespace banyan::leaf {

struct IndexEntry {
  std::uint64_t offset = 0;  // of the batch's first byte in the stream
  std::int64_t time_ns = 0;  // wall time
};
static_assert(sizeof(IndexEntry) == 16);

// Reads an index that may be growing. Holds one block of entries in memory.
class IndexReader {
 public:
  bool open(const std::string& path);
  void close();
  // Looks for new entries.
  void refresh();

  std::size_t count() const { return count_; }
  // i < count()
  IndexEntry entry(std::size_t i);
  // The last entry at or before `offset`; the first one when there is none. count() > 0.
  std::size_t position(std::uint64_t offset);
  // The first entry at or after `time_ns`; count() when there is none. Exact as long as the wall
  // clock did not jump back.
  std::size_t first_since(std::int64_t time_ns);

 private:
  Descriptor file_;
  std::size_t count_ = 0;
  std::vector<IndexEntry> block_;
  std::size_t block_begin_ = 0;
  std::size_t last_position_ = 0;
};

// Appends to the index of one segment.
class IndexWriter {
 public:
  // Opens or creates, and makes it match the segment [first, first + size): entries outside are
  // cut off, a missing beginning becomes one entry of `time_ns`.
  bool open(const std::string& path, IndexEntry first, std::uint64_t size);
  // False when the disk takes no more; the next one is tried in its place.
  bool append(IndexEntry entry);

 private:
  std::optional<IndexEntry> read(std::uint64_t i) const;

  Descriptor file_;
  std::uint64_t count_ = 0;
};

}  // namespace banyan::leaf
