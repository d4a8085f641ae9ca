#include "leaf/log_streams.h"

#include <algorithm>

#include "common/tree/stream_table.h"

namespace banyan::leaf {
namespace {

RisingLog closed(std::uint64_t stream, const std::string& reason) {
  v1::StreamClose close;
  close.set_stream(stream);
  close.set_reason(reason);
  return RisingLog(std::in_place_type<v1::StreamClose>, std::move(close));
}

LogQuery query_of(const v1::StreamOpen& open) {
  LogQuery query;
  query.target = open.target();
  query.stream = open.channel() <= 2 ? static_cast<LogStream>(open.channel()) : LogStream::both;
  query.follow = open.follow();
  query.tail = open.tail();
  query.offset = open.offset();
  query.since_ms = open.since_ms();
  query.until_ms = open.until_ms();
  query.grep = open.grep();
  query.level = open.level();
  query.previous = open.previous();
  return query;
}

}  // namespace

void LogStreams::on_open(const v1::StreamOpen& open, bool known, Output& out) {
  if (!open.path().empty() || !known) {
    return out.rising.push_back(closed(open.stream(), "not_found: no target " + open.target()));
  }
  if (readers_.size() >= max_streams || by_stream_.contains(open.stream())) {
    return out.rising.push_back(closed(open.stream(), "refused: too many log streams are open"));
  }
  const std::uint64_t number = ++last_reader_;
  Reader& reader = readers_[number];
  reader.stream = open.stream();
  reader.credit = open.credit();
  reader.wake_credit = std::clamp<std::uint64_t>(open.credit(), 1, least_credit);
  reader.follow = open.follow();
  by_stream_[open.stream()] = number;
  out.effects.emplace_back(std::in_place_type<OpenLog>, OpenLog{number, query_of(open)});
  pump(number, reader, out);
}

void LogStreams::pump(std::uint64_t number, Reader& reader, Output& out) {
  if (reader.reading || reader.at_end || reader.credit < reader.wake_credit) return;
  reader.reading = true;
  out.effects.emplace_back(std::in_place_type<ReadLog>,
                           ReadLog{number, std::min(reader.credit, read_bytes)});
}

void LogStreams::on_credit(const v1::StreamCredit& credit, Output& out) {
  const auto it = by_stream_.find(credit.stream());
  if (it == by_stream_.end()) return;
  Reader& reader = readers_.at(it->second);
  reader.credit += credit.bytes();
  pump(it->second, reader, out);
}

void LogStreams::on_close(const v1::StreamClose& close, Output& out) {
  const auto it = by_stream_.find(close.stream());
  if (it == by_stream_.end()) return;
  out.effects.emplace_back(std::in_place_type<CloseLog>, CloseLog{it->second});
  readers_.erase(it->second);
  by_stream_.erase(it);
}

void LogStreams::end(std::uint64_t number, const std::string& reason, Output& out) {
  const std::uint64_t stream = readers_.at(number).stream;
  out.rising.push_back(closed(stream, reason));
  out.effects.emplace_back(std::in_place_type<CloseLog>, CloseLog{number});
  by_stream_.erase(stream);
  readers_.erase(number);
}

void LogStreams::on_log(LogEvent event, Output& out) {
  const std::uint64_t number = std::visit([](const auto& e) { return e.reader; }, event);
  const auto it = readers_.find(number);
  if (it == readers_.end()) return;  // closed meanwhile
  if (auto* chunk = std::get_if<LogChunk>(&event)) {
    on_chunk(*chunk, out);
  } else if (const auto* failed = std::get_if<LogFailed>(&event)) {
    end(number, "failed: " + failed->text, out);
  } else {
    it->second.at_end = false;
    pump(number, it->second, out);
  }
}

void LogStreams::on_chunk(LogChunk& chunk, Output& out) {
  Reader& reader = readers_.at(chunk.reader);
  reader.reading = false;
  if (!chunk.records.empty()) {
    v1::StreamData data;
    data.set_stream(reader.stream);
    for (LogRecord& record : chunk.records) {
      v1::LogRecord& wire = *data.add_records();
      wire.set_channel(static_cast<std::uint32_t>(record.stream));
      wire.set_time_ns(record.time_ns);
      wire.set_offset(record.offset);
      wire.set_gap_bytes(record.gap_bytes);
      reader.credit -= std::min<std::uint64_t>(reader.credit, record.data.size());
      wire.set_data(std::move(record.data));
    }
    out.rising.emplace_back(std::in_place_type<v1::StreamData>, std::move(data));
  }
  reader.at_end = chunk.at_end;
  if (chunk.at_end && !reader.follow) return end(chunk.reader, "", out);
  pump(chunk.reader, reader, out);
}

void LogStreams::on_session_gone(Output& out) {
  for (auto it = readers_.begin(); it != readers_.end();) {
    const auto [number, stream] = std::pair(it->first, it->second.stream);
    if ((stream & tree::StreamTable::local_stream) != 0) {
      ++it;
      continue;
    }
    out.effects.emplace_back(std::in_place_type<CloseLog>, CloseLog{number});
    by_stream_.erase(stream);
    it = readers_.erase(it);
  }
}

}  // namespace banyan::leaf
