#pragma once
// The files of one stream in one directory: what they are called, and which there are. A segment is
//
//   stdout.<offset of its first byte, 20 digits>.log        its bytes as written
//   stdout.<the same>.log.zst                               or, compressed, these
//   stdout.<the same>.idx                                   when they came
//
// Loop's thread.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace banyan::leaf {

struct Segment {
  std::uint64_t first = 0;
  std::uint64_t size = 0;  // of the text
  std::uint64_t end() const { return first + size; }

  bool closed = false;       // nothing is added to it any more
  bool packed = false;       // compressed
  bool pack_tried = false;   // was offered for compression
  std::uint64_t disk = 0;    // bytes of its files; of an open one the text alone
  std::int64_t last_ns = 0;  // wall time of its last byte
};

// What find() may do to what is of no use: tidy it away, or leave everything as it is.
enum class KeptFiles { tidied, as_are };

class SegmentFiles {
 public:
  SegmentFiles(std::string directory, std::string stream, KeptFiles kept = KeptFiles::tidied)
      : directory_(std::move(directory)), stream_(std::move(stream)), kept_(kept) {}

  const std::string& directory() const { return directory_; }
  const std::string& stream() const { return stream_; }
  std::string plain(std::uint64_t first) const;
  std::string packed(std::uint64_t first) const;
  std::string index(std::uint64_t first) const;

  bool make_directory() const;
  // In order, all closed but the last. Of a segment that is there twice the text counts and the
  // other goes; what was half written goes; what is damaged is renamed, `trouble` says so. Nothing
  // goes and nothing is renamed with KeptFiles::as_are.
  std::vector<Segment> find(std::string& trouble) const;
  // Reads sizes and time anew; false when its bytes are gone.
  bool measure(Segment& segment) const;
  void remove(const Segment& segment) const;

 private:
  // "stdout.00000000000000000042.log" -> 42, when it ends like that
  std::optional<std::uint64_t> first_of(std::string_view file, std::string_view ending) const;
  void discard(const std::string& path) const;
  void set_aside(std::uint64_t first, std::string& trouble) const;

  std::string directory_;
  std::string stream_;
  KeptFiles kept_;
};

}  // namespace banyan::leaf
