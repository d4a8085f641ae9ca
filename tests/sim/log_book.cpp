#include "tests/sim/log_book.h"

#include <algorithm>

#include <fmt/format.h>

namespace banyan::sim {

std::string LogBook::line(const std::string& target, std::uint64_t number) {
  return fmt::format("{:.8}:{:08}\n", target, number);
}

std::uint64_t LogBook::lines(const std::string& target) const {
  const auto it = lines_.find(target);
  return it == lines_.end() ? 0 : it->second;
}

void LogBook::write(const std::string& target, unsigned lines) {
  lines_[target] += lines;
  for (auto& [number, reader] : readers_) {
    if (reader.query.target != target || !std::exchange(reader.at_end, false)) continue;
    later_(milliseconds{1}, leaf::LogGrew{number});
  }
}

void LogBook::perform(const leaf::LogEffect& effect, WallTime now) {
  if (const auto* open = std::get_if<leaf::OpenLog>(&effect)) {
    Reader& reader = readers_[open->reader];
    reader.query = open->query;
    const auto length = line(open->query.target, 0).size();
    const std::int64_t from = std::max<std::int64_t>(open->query.offset, 0);
    reader.line = static_cast<std::uint64_t>(from) / length;
  } else if (const auto* ask = std::get_if<leaf::ReadLog>(&effect)) {
    const auto it = readers_.find(ask->reader);
    if (it != readers_.end()) read(*ask, it->second, now);
  } else {
    readers_.erase(std::get<leaf::CloseLog>(effect).reader);
  }
}

void LogBook::read(const leaf::ReadLog& ask, Reader& reader, WallTime now) {
  const std::string& target = reader.query.target;
  const bool silent = reader.query.stream == leaf::LogStream::err;  // nobody writes to stderr
  const std::uint64_t end = silent ? reader.line : lines(target);
  leaf::LogChunk chunk;
  chunk.reader = ask.reader;
  leaf::LogRecord record;
  record.time_ns = now.time_since_epoch().count() * 1'000'000;
  record.offset = reader.line * line(target, 0).size();
  for (; reader.line < end && record.data.size() < ask.max_bytes; ++reader.line) {
    record.data += line(target, reader.line);
  }
  if (!record.data.empty()) chunk.records.push_back(std::move(record));
  chunk.at_end = reader.at_end = reader.line >= end;
  later_(milliseconds{1}, std::move(chunk));
}

}  // namespace banyan::sim
