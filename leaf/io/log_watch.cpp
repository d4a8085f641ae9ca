#include "leaf/io/log_watch.h"

namespace banyan::leaf {
namespace {

constexpr std::uint64_t bytes_per_look = 4096;  // at least one line, of which the first is taken

}  // namespace

LogPlace end_of(const TargetLogs& logs) { return {logs.out.end(), logs.err.end()}; }

Result<LogWatch> LogWatch::open(const TargetLogs& logs, const std::string& pattern, LogPlace from) {
  LogWatch watch;
  for (const LogStream stream : {LogStream::out, LogStream::err}) {
    LogQuery query;
    query.target = logs.target;
    query.stream = stream;
    query.follow = true;
    query.grep = pattern;
    query.offset = static_cast<std::int64_t>(stream == LogStream::out ? from.out : from.err);
    auto reader = LogReader::open(logs, query);
    if (!reader) return tl::unexpected<Error>(reader.error());
    watch.readers_.push_back(std::move(*reader));
  }
  return watch;
}

LogWatch::Look LogWatch::look() {
  bool later = false;
  for (auto& reader : readers_) {
    const auto chunk = reader->read(bytes_per_look);
    if (!chunk || !chunk->at_end) later = true;
    if (!chunk) continue;
    for (const auto& record : chunk->records) {
      if (record.gap_bytes > 0) continue;
      line_ = record.data.substr(0, record.data.find('\n'));
      return Look::found;
    }
  }
  return later ? Look::not_yet : Look::nothing;
}

}  // namespace banyan::leaf
