#pragma once
// A closed segment, compressed: `stdout.<offset>.log.zst`, in the seekable format of zstd (frames
// of 256 KiB of text, then a table of their sizes in a skippable frame). `zstd -dc` reads it.
// Format: contrib/seekable_format/zstd_seekable_compression_format.md of zstd's sources.

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "leaf/io/descriptor.h"

namespace banyan::leaf {

inline constexpr std::size_t packed_frame_bytes = 256 << 10;  // of text, the last one fewer

// Writes `packed` beside `plain`: complete and on the disk, or not at all. False with errno on
// failure, or when `stop` became true meanwhile. Any thread; takes seconds for a large file.
bool pack_segment(const std::string& plain, const std::string& packed,
                  const std::atomic<bool>& stop);

// Loop's thread. Holds one frame's text at a time.
class PackedReader {
 public:
  // False when there is no such file, or it is not complete; the table of sizes has to fit to it.
  bool open(const std::string& path);
  void close();
  bool is_open() const { return static_cast<bool>(file_); }

  std::uint64_t size() const { return size_; }  // of the text
  // Copies at most `max` bytes of the text from `offset` on, within one frame. As pread(2): 0 at
  // the end, -1 when a frame can't be read or is damaged.
  std::int64_t read(std::uint64_t offset, char* to, std::size_t max);
  // Where the frame of this offset ends; size() behind the end.
  std::uint64_t frame_end(std::uint64_t offset) const;

 private:
  struct Frame {
    std::uint64_t at = 0;     // in the file
    std::uint64_t first = 0;  // in the text
    std::uint32_t packed = 0;
    std::uint32_t plain = 0;
  };
  bool read_table();
  std::size_t frame_of(std::uint64_t offset) const;
  bool load(std::size_t frame);

  Descriptor file_;
  std::vector<Frame> frames_;
  std::uint64_t size_ = 0;
  std::string text_;
  std::size_t loaded_ = 0;  // index + 1; 0 = none
};

}  // namespace banyan::leaf
