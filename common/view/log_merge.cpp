#include "common/view/log_merge.h"

namespace banyan::view {

std::size_t LogMerge::add_source() {
  sources_.emplace_back();
  ++silent_;
  return sources_.size() - 1;
}

void LogMerge::add(std::size_t source, LogPiece piece, Time now) {
  Source& from = sources_[source];
  if (from.lines.empty()) {
    heads_.emplace(piece.time_ns, source);
    if (from.open) --silent_;
  }
  from.lines.push_back({std::move(piece), now});
}

void LogMerge::close(std::size_t source) {
  Source& from = sources_[source];
  if (!from.open) return;
  from.open = false;
  if (from.lines.empty()) --silent_;
}

std::optional<std::pair<std::size_t, LogPiece>> LogMerge::take(Time now) {
  if (heads_.empty()) return std::nullopt;
  const std::size_t index = heads_.begin()->second;
  Source& from = sources_[index];
  const bool waited = window_ && after(from.lines.front().arrived, *window_) <= now;
  if (silent_ > 0 && !waited) return std::nullopt;
  heads_.erase(heads_.begin());
  LogPiece piece = std::move(from.lines.front().piece);
  from.lines.pop_front();
  if (!from.lines.empty()) {
    heads_.emplace(from.lines.front().piece.time_ns, index);
  } else if (from.open) {
    ++silent_;
  }
  return std::pair{index, std::move(piece)};
}

Time LogMerge::next_deadline() const {
  if (heads_.empty() || !window_) return never;
  return after(sources_[heads_.begin()->second].lines.front().arrived, *window_);
}

}  // namespace banyan::view
