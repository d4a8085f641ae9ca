#pragma once
// The picture that a node with children keeps for its next run: a log of changes in the state
// directory, rewritten when it has grown to twice what it stands for.
//
//   picture-NNNNNN.log   "banyan picture 1\n", then records: length (4 bytes, little-endian),
//                        XXH3-64 of the payload (8 bytes), payload (an Update)
//
// A cache: nothing is fsync'ed but a rewritten file before it takes the place of the old one, and
// whatever is read is verified by digest. A torn last record (kill -9, power) is cut off; a file
// that is damaged otherwise is put aside as `*.bad` (one is kept), what stands before the damage is
// used, and all is counted. Nothing here is ever fatal.
//
// open() waits for the disk and is for the start. keep() never waits: a thread of this object's own
// writes. Bounds: max_queued bytes between the two; what comes beyond is dropped and counted.
// open(), keep(), flush(): one thread; counters(): any.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "banyan/v1/link.pb.h"

namespace banyan::io {

struct PictureCounters {
  std::uint64_t records = 0;    // written
  std::uint64_t dropped = 0;    // the disk was too slow for them
  std::uint64_t failures = 0;   // writes that failed
  std::uint64_t rewritten = 0;  // times the file was
  std::uint64_t put_aside = 0;  // damaged files
};

struct PictureLimits {
  std::size_t max_queued = 64U << 20U;
  std::size_t rewrite_from = 1U << 20U;  // bytes; a smaller file is never rewritten
};

class PictureLog {
 public:
  explicit PictureLog(std::string directory, PictureLimits limits = {});
  ~PictureLog();  // writes what is queued
  PictureLog(const PictureLog&) = delete;
  PictureLog& operator=(const PictureLog&) = delete;

  // Hands over what an earlier run kept, in order. Returns what was wrong, for the log.
  std::vector<std::string> open(const std::function<void(const v1::Update&)>& take);
  // `live`: about the bytes of all that the picture says by now; a log is rewritten only when it is
  // twice as long.
  void keep(const v1::Update& part, std::uint64_t live = 0);
  // Waits until all of it is written, at most 5 s: before another program takes this process.
  void flush();

  PictureCounters counters() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace banyan::io
