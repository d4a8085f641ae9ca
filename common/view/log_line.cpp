#include "common/view/log_line.h"

#include <algorithm>
#include <utility>

#include <boost/json.hpp>

#include "common/base/text.h"
#include "common/view/wall_text.h"

namespace banyan::view {

std::uint64_t LineJoiner::take(const v1::LogRecord& record, std::vector<LogPiece>& pieces) {
  LogPiece& begun = begun_[index_of(record.channel())];
  const std::uint32_t channel = record.channel() == channel_err ? channel_err : channel_out;
  if (record.gap_bytes() > 0) {
    if (!begun.bytes.empty()) pieces.push_back(std::exchange(begun, LogPiece()));
    pieces.push_back({channel, record.time_ns(), record.offset(), {}, record.gap_bytes(), 0});
    return 0;
  }
  std::string_view rest = record.data();
  std::uint64_t offset = record.offset();
  while (!rest.empty()) {
    if (begun.bytes.empty()) begun = {channel, record.time_ns(), offset, {}, 0, 0};
    const auto newline = raw_ ? rest.size() : std::min(rest.find('\n'), rest.size() - 1) + 1;
    const auto length = std::min(newline, max_line - std::min(begun.bytes.size(), max_line - 1));
    begun.bytes += rest.substr(0, length);
    begun.credit += length;
    offset += length;
    rest.remove_prefix(length);
    const bool whole = raw_ || begun.bytes.back() == '\n' || begun.bytes.size() >= max_line;
    if (whole) pieces.push_back(std::exchange(begun, LogPiece()));
  }
  return std::exchange(begun.credit, 0);
}

void LineJoiner::flush(std::vector<LogPiece>& pieces) {
  for (auto& begun : begun_) {
    if (!begun.bytes.empty()) pieces.push_back(std::exchange(begun, LogPiece()));
  }
}

LineJoiner LineJoiner::split_off(std::uint32_t channel) {
  LineJoiner other(raw_);
  std::swap(other.begun_[index_of(channel)], begun_[index_of(channel)]);
  return other;
}

std::string ndjson_line(std::string_view path, const LogPiece& piece) {
  boost::json::object json;
  json["path"] = path;
  json["stream"] = piece.channel == channel_err ? "stderr" : "stdout";
  if (piece.gap_bytes > 0) {
    json["offset"] = piece.offset;
    json["gap_bytes"] = piece.gap_bytes;
    return boost::json::serialize(json) + "\n";
  }
  json["time"] = rfc3339_micro(piece.time_ns);
  json["offset"] = piece.offset;
  std::string_view line = piece.bytes;
  const bool cut = line.empty() || line.back() != '\n';
  if (!cut) line.remove_suffix(1);
  if (is_utf8(line)) {
    json["line"] = line;
  } else {
    json["line_b64"] = base64(line);
  }
  if (cut) json["partial"] = true;
  return boost::json::serialize(json) + "\n";
}

std::string ndjson_error(std::string_view path, std::string_view reason) {
  const boost::json::object json{{"path", path}, {"error", visible(reason)}};
  return boost::json::serialize(json) + "\n";
}

std::string base64(std::string_view bytes) {
  static constexpr char digits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto part = bytes.substr(i, 3);
    std::uint32_t bits = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      bits = (bits << 8U) | (j < part.size() ? static_cast<unsigned char>(part[j]) : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      out += j <= part.size() ? digits[(bits >> (18 - 6 * j)) & 63U] : '=';
    }
  }
  return out;
}

}  // namespace banyan::view
