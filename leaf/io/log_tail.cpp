#include "leaf/io/log_tail.h"

#include <algorithm>
#include <cstring>

namespace banyan::leaf {
namespace {

constexpr std::uint64_t block_bytes = 64 << 10;
constexpr std::uint64_t text_max = 256 << 10;

}  // namespace

LineFinder::LineFinder(LogView& view, std::uint64_t floor, std::uint64_t end)
    : view_(view), floor_(floor), accepted_(std::max(floor, end)), searched_(accepted_) {}

LineFinder::Found LineFinder::found(std::uint64_t begin) {
  line_begin_ = begin;
  line_time_ = view_.time_at(begin);
  has_line_ = true;
  return Found::line;
}

// The block then holds the byte before `offset`; false when a hole ends there.
bool LineFinder::load_before(std::uint64_t offset) {
  if (offset > block_begin_ && offset <= block_begin_ + block_.size()) return true;
  const auto readable = std::max(view_.readable_before(offset), floor_);
  const auto begin = std::max(readable, offset > block_bytes ? offset - block_bytes : 0);
  block_.clear();
  block_begin_ = begin;
  return begin < offset && view_.read(begin, offset - begin, block_) == offset - begin;
}

LineFinder::Found LineFinder::find(std::int64_t& budget) {
  if (has_line_) return Found::line;
  // The newline that ends the line itself does not count.
  if (searched_ == accepted_ && searched_ > floor_) {
    if (!load_before(searched_)) return Found::none;
    --searched_;
  }
  if (accepted_ <= floor_) return Found::none;
  while (searched_ > floor_) {
    const bool cached = searched_ > block_begin_ && searched_ <= block_begin_ + block_.size();
    if (!cached && budget <= 0) return Found::not_yet;
    if (!load_before(searched_)) return found(searched_);  // cut by a hole
    if (!cached) budget -= static_cast<std::int64_t>(block_.size());
    const auto* newline =
        static_cast<const char*>(::memrchr(block_.data(), '\n', searched_ - block_begin_));
    if (newline != nullptr) {
      return found(block_begin_ + static_cast<std::uint64_t>(newline - block_.data()) + 1);
    }
    searched_ = block_begin_;
  }
  return found(floor_);
}

std::string LineFinder::text() {
  const auto size = std::min<std::uint64_t>(accepted_ - line_begin_, text_max);
  std::string line;
  const bool cached =
      line_begin_ >= block_begin_ && line_begin_ + size <= block_begin_ + block_.size();
  if (cached) {
    line = block_.substr(line_begin_ - block_begin_, size);
  } else {
    view_.read(line_begin_, size, line);
  }
  if (line.ends_with('\n')) line.pop_back();
  return line;
}

void LineFinder::accept() {
  accepted_ = searched_ = line_begin_;
  has_line_ = false;
}

bool TailFinder::step(std::int64_t budget) {
  while (lines_ > 0) {
    LineFinder* latest = nullptr;
    for (auto& finder : finders_) {
      const auto found = finder.find(budget);
      if (found == LineFinder::Found::not_yet) return false;
      if (found == LineFinder::Found::none) continue;
      // At equal times stdout is delivered first, so stderr is taken first here.
      if (latest == nullptr || finder.time() >= latest->time()) latest = &finder;
    }
    if (latest == nullptr) return true;
    if (!counts_ || counts_(latest->text())) --lines_;
    latest->accept();
  }
  return true;
}

}  // namespace banyan::leaf
