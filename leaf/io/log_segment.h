#pragma once
// The segment file of one stream that is being written, with its index. Bytes go from the pipe to
// the file inside the kernel (splice): whoever kills the leaf finds each byte in one of the two.
// Loop's thread.

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "leaf/io/descriptor.h"
#include "leaf/io/log_index.h"

namespace banyan::leaf {

class SegmentWriter {
 public:
  // Opens or creates the files at `path` (.log) and continues at their end. errno on failure.
  bool open(const std::string& log_path, const std::string& index_path, std::uint64_t first);

  std::uint64_t size() const { return size_; }
  // Somebody deleted the file while it was open.
  bool gone() const;

  // Moves at most max_bytes from the pipe and stamps them. As splice(2): 0 = end of file,
  // -1 = errno (EAGAIN: the pipe is empty; anything else: the file takes no more).
  ssize_t take(int pipe, std::uint64_t max_bytes, std::int64_t time_ns);

 private:
  ssize_t move(int pipe, std::uint64_t max_bytes);
  ssize_t copy(int pipe, std::uint64_t max_bytes);

  Descriptor file_;
  IndexWriter index_;
  std::uint64_t first_ = 0;
  std::uint64_t size_ = 0;
  bool spliceable_ = true;
};

}  // namespace banyan::leaf
