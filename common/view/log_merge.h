#pragma once
// Lines of several sources in one order: by time where the sources are in order by themselves.
//
// The earliest line goes out once every other open source has something to compare it with, or
// (with a window) once it has waited that long. Lines that wait are bounded by the sources' credit.
// Cost: O(log sources) per line. Single threaded.

#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "common/base/time.h"
#include "common/view/log_line.h"

namespace banyan::view {

class LogMerge {
 public:
  // No window: wait for every open source.
  explicit LogMerge(std::optional<Duration> window) : window_(window) {}

  std::size_t add_source();
  void add(std::size_t source, LogPiece piece, Time now);
  void close(std::size_t source);  // what it gave is still to come out

  // The next line in order, if it may go now.
  std::optional<std::pair<std::size_t, LogPiece>> take(Time now);
  bool empty() const { return heads_.empty(); }
  Time next_deadline() const;  // when a waiting line goes

 private:
  struct Waiting {
    LogPiece piece;
    Time arrived{};
  };
  struct Source {
    std::deque<Waiting> lines;
    bool open = true;
  };

  std::optional<Duration> window_;
  std::vector<Source> sources_;
  std::set<std::pair<std::int64_t, std::size_t>> heads_;  // (time, source) of first lines
  std::size_t silent_ = 0;                                // open sources without a line
};

}  // namespace banyan::view
