#pragma once
// Where the last N lines begin: looks backward through one or two streams, in bounded steps,
// taking the later line first. A last line without newline counts. Loop's thread.

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "leaf/io/log_view.h"

namespace banyan::leaf {

// The beginnings of a stream's lines, from the last one backward.
class LineFinder {
 public:
  // Lines in [floor, end).
  LineFinder(LogView& view, std::uint64_t floor, std::uint64_t end);

  enum class Found { line, none, not_yet };
  // Finds the next line backward; `budget` is reduced by the bytes read for it.
  Found find(std::int64_t& budget);
  std::uint64_t begin() const { return line_begin_; }
  std::int64_t time() const { return line_time_; }
  // The found line without its newline; 256 KiB of it at most.
  std::string text();
  // The found line is taken: all from its beginning on is done.
  void accept();
  std::uint64_t accepted() const { return accepted_; }

 private:
  bool load_before(std::uint64_t offset);
  Found found(std::uint64_t begin);

  LogView& view_;
  std::uint64_t floor_;
  std::uint64_t accepted_;
  std::uint64_t searched_;  // nothing of interest at or behind it
  std::uint64_t line_begin_ = 0;
  std::int64_t line_time_ = 0;
  bool has_line_ = false;
  std::string block_;
  std::uint64_t block_begin_ = 0;
};

class TailFinder {
 public:
  // `counts` chooses the lines that are counted; empty = all.
  using Counts = std::function<bool(const std::string& line)>;

  TailFinder(std::uint64_t lines, Counts counts) : lines_(lines), counts_(std::move(counts)) {}
  void add(LogView& view, std::uint64_t floor, std::uint64_t end) {
    finders_.emplace_back(view, floor, end);
  }
  // Reads at most about `budget` bytes; true when done.
  bool step(std::int64_t budget);
  // When done: where the i-th added stream begins.
  std::uint64_t begin(std::size_t i) const { return finders_[i].accepted(); }

 private:
  std::uint64_t lines_;
  Counts counts_;
  std::vector<LineFinder> finders_;
};

}  // namespace banyan::leaf
