#pragma once
// One file of a PictureLog: its records read, written and rewritten. All of it waits for the disk.

#include <cstdint>
#include <functional>
#include <string>

#include "banyan/v1/link.pb.h"
#include "common/base/result.h"

namespace banyan::io {

enum class PictureEnd { whole, torn, damaged };

struct PictureRead {
  PictureEnd end = PictureEnd::whole;
  std::uint64_t good_bytes = 0;  // up to the last good record
};

// Errors: it cannot be read at all.
Result<PictureRead> read_picture(const std::string& path,
                                 const std::function<void(const v1::Update&)>& take);

std::string picture_record(const v1::Update& part);

class PictureFile {
 public:
  PictureFile() = default;
  PictureFile(PictureFile&& other) noexcept;
  PictureFile& operator=(PictureFile&& other) noexcept;
  ~PictureFile();

  // Appends behind `size`; what stands there goes. A size of 0 makes a new file with its head.
  static Result<PictureFile> open(const std::string& path, std::uint64_t size);
  // All or nothing: a part that was written is cut off again.
  Status append(const std::string& records);
  Status sync();
  std::uint64_t size() const { return size_; }

 private:
  int descriptor_ = -1;
  std::string path_;
  std::uint64_t size_ = 0;
};

// The same picture in as few records as it takes. `to` is complete on disk when this returns.
Result<std::uint64_t> rewrite_picture(const std::string& from, const std::string& to);

}  // namespace banyan::io
