#pragma once
// Where each run of a target begins in its log: the file `runs` beside the segments, a line each:
//
//   GENERATION WALL_TIME_NS OFFSET_IN_STDOUT OFFSET_IN_STDERR
//
// The last `most` are kept. What cannot be read or written is left out: only `--previous` misses
// it. Loop's thread.

#include <cstdint>
#include <string>
#include <vector>

namespace banyan::leaf {

struct RunMark {
  std::uint64_t generation = 0;
  std::int64_t time_ns = 0;
  std::uint64_t out = 0;
  std::uint64_t err = 0;
};

class RunMarks {
 public:
  static constexpr std::size_t most = 64;

  explicit RunMarks(std::string directory);

  // Oldest first.
  const std::vector<RunMark>& all() const { return marks_; }
  void add(RunMark mark);
  // To the disk; the folder is there only once something was logged.
  void save();

 private:
  std::string path() const { return directory_ + "/runs"; }

  std::string directory_;
  std::vector<RunMark> marks_;
  bool changed_ = false;
};

}  // namespace banyan::leaf
