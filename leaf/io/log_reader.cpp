#include "leaf/io/log_reader.h"

#include <re2/re2.h>

#include <algorithm>

#include "leaf/io/line_level.h"

namespace banyan::leaf {
namespace {

constexpr std::int64_t tail_bytes_per_turn = 2 << 20;
constexpr std::uint64_t searched_bytes_per_turn = 2 << 20;
constexpr std::uint64_t record_overhead = 32;  // what a record costs beside its data
constexpr std::int64_t ns_per_ms = 1'000'000;
constexpr std::int64_t no_limit = std::numeric_limits<std::int64_t>::max();

std::int64_t to_ns(std::int64_t ms) {
  return ms > no_limit / ns_per_ms ? no_limit : ms * ns_per_ms;
}

}  // namespace

LogReader::LogReader(const TargetLogs& logs, const LogQuery& query) : logs_(logs), query_(query) {
  if (reads(LogStream::out)) add(logs.out, LogStream::out);
  if (reads(LogStream::err)) add(logs.err, LogStream::err);
}

LogReader::~LogReader() = default;

bool LogReader::reads(LogStream stream) const {
  return query_.stream == LogStream::both || query_.stream == stream;
}

void LogReader::add(const StreamLog& log, LogStream stream) {
  cursors_.emplace_back(log, stream);
  ends_.push_back(log.end());
}

Result<std::unique_ptr<LogReader>> LogReader::open(const TargetLogs& logs, const LogQuery& query) {
  if (query.offset >= 0 && query.stream == LogStream::both) {
    return failure("an offset needs one stream, stdout or stderr", logs.target);
  }
  std::unique_ptr<LogReader> reader(new LogReader(logs, query));
  if (auto read = reader->read_pattern(); !read) return tl::unexpected<Error>(read.error());
  if (query.previous) {
    if (auto chosen = reader->choose_run(); !chosen) {
      return tl::unexpected<Error>(chosen.error());
    }
  }
  reader->set_limits();
  for (auto& cursor : reader->cursors_) cursor.place(reader->floor_of(cursor));
  if (query.tail >= 0) reader->prepare_tail();
  return reader;
}

Status LogReader::read_pattern() {
  if (query_.grep.empty()) return {};
  RE2::Options options;
  options.set_log_errors(false);
  pattern_ = std::make_unique<RE2>(query_.grep, options);
  if (pattern_->ok()) return {};
  return failure("grep pattern is no RE2 expression", query_.grep, pattern_->error());
}

Status LogReader::choose_run() {
  const auto& runs = logs_.runs.all();
  if (runs.size() < 2) {
    return failure("of no run before the present one is anything known", logs_.target, {},
                   "leave --previous out: all that is kept is shown then");
  }
  run_ = {runs[runs.size() - 2], runs.back()};
  query_.follow = false;
  return {};
}

void LogReader::prepare_tail() {
  TailFinder::Counts counts;
  if (narrows()) {
    counts = [this](const std::string& line) { return matches(line) && grave_enough(line); };
  }
  tail_.emplace(static_cast<std::uint64_t>(query_.tail), std::move(counts));
  for (std::size_t i = 0; i < cursors_.size(); ++i) {
    auto& cursor = cursors_[i];
    tail_->add(cursor.view(), cursor.position(), std::min(ends_[i], cursor.limit()));
  }
}

std::uint64_t LogReader::floor_of(LogCursor& cursor) const {
  auto& view = cursor.view();
  std::uint64_t floor = view.log().begin();
  // An offset before all that is kept stands: the reader is told of the hole.
  if (query_.offset >= 0) floor = static_cast<std::uint64_t>(query_.offset);
  if (run_) {
    const bool out = cursor.stream() == LogStream::out;
    floor = std::max(floor, out ? run_->first.out : run_->first.err);
  }
  if (query_.since_ms < 0) return floor;
  const auto since = view.first_since(to_ns(query_.since_ms));
  // A batch may begin within a line, which then began before.
  const bool at_begin = since == view.log().begin();
  return std::max(floor, at_begin ? since : view.line_end(since));
}

void LogReader::set_limits() {
  for (std::size_t i = 0; i < cursors_.size(); ++i) {
    auto& cursor = cursors_[i];
    const bool out = cursor.stream() == LogStream::out;
    const bool open_line = (out ? logs_.out_pipes : logs_.err_pipes) > 0;
    auto limit = query_.follow ? cursor.view().log().end() : ends_[i];
    if (run_) limit = std::min(limit, out ? run_->second.out : run_->second.err);
    cursor.set_limit(limit, query_.follow && open_line);
    if (query_.until_ms < 0 || query_.until_ms >= no_limit / ns_per_ms) continue;
    const auto until = cursor.view().first_since(to_ns(query_.until_ms) + 1);
    if (until >= limit) continue;
    limit = std::min(limit, cursor.view().line_end(until));
    cursor.set_limit(limit, false);
  }
}

bool LogReader::find_beginning() {
  if (!tail_) return true;
  if (!tail_->step(tail_bytes_per_turn)) return false;
  for (std::size_t i = 0; i < cursors_.size(); ++i) cursors_[i].place(tail_->begin(i));
  tail_.reset();
  return true;
}

std::optional<LogChunk> LogReader::read(std::uint64_t max_bytes) {
  set_limits();
  if (!find_beginning()) return std::nullopt;
  LogChunk chunk;
  used_ = 0;
  searched_ = 0;
  Step done = Step::more;
  while (done == Step::more) done = step(chunk, std::max<std::uint64_t>(max_bytes, 1));
  for (auto& cursor : cursors_) cursor.release();
  if (done == Step::later && chunk.records.empty()) return std::nullopt;
  chunk.at_end = done == Step::end;
  return chunk;
}

LogReader::Step LogReader::step(LogChunk& chunk, std::uint64_t max_bytes) {
  if (used_ >= max_bytes) return Step::full;
  if (searched_ >= searched_bytes_per_turn) return Step::later;
  if (take_gaps(chunk)) return Step::more;
  LogCursor* cursor = next_cursor();
  // Looking for it may have found a hole: bytes that cannot be read.
  if (cursor == nullptr) return take_gaps(chunk) ? Step::more : Step::end;
  const auto size = cursor->unit();
  const bool begun = cursor->within_unit();
  if (narrows() && !begun && !wants(*cursor, cursor->unit_bytes())) {
    cursor->skip_unit();
    searched_ += size;
    return Step::more;
  }
  const auto room = max_bytes - used_;
  // A line that fits into the next chunk is not cut for this one.
  if (size > room && used_ > 0 && !begun && size <= log_record_max) return Step::full;
  const auto max = std::min<std::uint64_t>(room, log_record_max);
  auto record = cursor->take(max, time_limit(*cursor), narrows());
  unfinished_ = cursor->within_unit() ? cursor : nullptr;
  append(chunk, std::move(record));
  return Step::more;
}

bool LogReader::take_gaps(LogChunk& chunk) {
  bool any = false;
  for (auto& cursor : cursors_) {
    auto gap = cursor.take_gap();
    if (!gap) continue;
    append(chunk, std::move(*gap));
    any = true;
  }
  return any;
}

LogCursor* LogReader::next_cursor() {
  if (unfinished_ != nullptr && unfinished_->unit() > 0) return unfinished_;
  LogCursor* next = nullptr;
  std::int64_t next_time = 0;
  for (auto& cursor : cursors_) {
    if (cursor.unit() == 0) continue;
    const auto time = cursors_.size() > 1 ? cursor.time() : 0;
    if (next != nullptr && time >= next_time) continue;
    next = &cursor;
    next_time = time;
  }
  return next;
}

// How late the chosen stream's lines may be without passing the other stream's next one.
std::int64_t LogReader::time_limit(LogCursor& chosen) {
  for (auto& other : cursors_) {
    if (&other == &chosen || other.unit() == 0) continue;
    return chosen.stream() == LogStream::out ? other.time() : other.time() - 1;
  }
  return no_limit;
}

bool LogReader::wants(const LogCursor& cursor, std::string_view line) {
  if (query_.level > 0) {
    bool& goes_on = level_goes_on_[cursor.stream() == LogStream::err ? 1 : 0];
    if (!continues(line)) goes_on = grave_enough(line);
    if (!goes_on) return false;
  }
  return matches(line);
}

bool LogReader::grave_enough(std::string_view line) const {
  if (query_.level == 0) return true;
  return level_of_line(line, logs_.out.config().parse).value_or(level_info) >= query_.level;
}

bool LogReader::matches(std::string_view line) const {
  if (!pattern_) return true;
  if (line.ends_with('\n')) line.remove_suffix(1);
  return RE2::PartialMatch(re2::StringPiece(line.data(), line.size()), *pattern_);
}

void LogReader::append(LogChunk& chunk, LogRecord record) {
  used_ += record.data.size() + record_overhead;
  chunk.records.push_back(std::move(record));
}

}  // namespace banyan::leaf
