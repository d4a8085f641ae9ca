#include "root/cli/log_lines.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "common/base/name.h"
#include "common/base/units.h"
#include "root/cli/json_view.h"
#include "root/cli/when.h"
#include "root/cli/words.h"

namespace banyan::cli {

namespace {

constexpr Colour source_colours[] = {Colour::cyan,    Colour::green, Colour::yellow,
                                     Colour::magenta, Colour::blue,  Colour::red};

Colour colour_of(std::string_view path) {
  std::uint32_t hash = 2166136261U;  // FNV-1a: the same colour on every machine
  for (const char c : path) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return source_colours[hash % std::size(source_colours)];
}

std::string raw_text(const json::value& value, std::string_view key) {
  const json::value* found = member(value, key);
  if (found == nullptr || !found->is_string()) return {};
  return std::string(found->get_string().data(), found->get_string().size());
}

int base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  return c == '/' ? 63 : -1;
}

// The last `count` names of a path.
std::string tail_of(std::string_view path, std::size_t count) {
  std::size_t at = path.size();
  for (; count > 0 && at != std::string_view::npos; --count) {
    at = at == 0 ? std::string_view::npos : path.rfind('/', at - 1);
  }
  return std::string(at == std::string_view::npos ? path : path.substr(at + 1));
}

}  // namespace

std::optional<std::string> decode_base64(std::string_view text) {
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  std::string out;
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    const int digit = base64_digit(c);
    if (digit < 0) return std::nullopt;
    bits = (bits << 6U) | static_cast<std::uint32_t>(digit);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out += static_cast<char>((bits >> static_cast<unsigned>(held)) & 0xFFU);
  }
  return out;
}

std::optional<LogLine> parse_log_line(std::string_view json_text) {
  const auto value = parse_json(json_text);
  if (!value || !value->is_object()) return std::nullopt;
  LogLine line;
  line.path = raw_text(*value, "path");
  line.stream = raw_text(*value, "stream");
  line.time_text = raw_text(*value, "time");
  line.time = parse_rfc3339(line.time_text);
  if (member(*value, "offset") != nullptr) line.offset = integer_at(*value, "offset");
  line.gap_bytes = integer_at(*value, "gap_bytes");
  line.line = raw_text(*value, "line");
  line.partial = flag_at(*value, "partial");
  line.error = raw_text(*value, "error");
  if (member(*value, "line_b64") == nullptr) return line;
  const auto bytes = decode_base64(raw_text(*value, "line_b64"));
  if (!bytes) return std::nullopt;
  line.line = *bytes;
  return line;
}

std::map<std::string, std::string> short_names(const std::vector<std::string>& paths) {
  const std::set<std::string> all(paths.begin(), paths.end());
  std::map<std::string, std::string> names;
  for (std::size_t length = 1; names.size() < all.size() && length <= max_tree_depth + 2;
       ++length) {
    std::map<std::string, std::vector<std::string>> by_tail;
    for (const std::string& path : all) by_tail[tail_of(path, length)].push_back(path);
    for (const auto& [tail, owners] : by_tail) {
      if (owners.size() == 1) names.emplace(owners.front(), tail);
    }
  }
  for (const std::string& path : all) names.emplace(path, path);
  return names;
}

LogPainter::LogPainter(const std::vector<std::string>& paths, bool wrap, const View& view)
    : names_(short_names(paths)), wrap_(wrap), view_(view) {
  for (const auto& [path, name] : names_) width_ = std::max(width_, width_of(name));
  if (view.style.width > 0) width_ = std::min(width_, view.style.width / 3);
}

std::string LogPainter::text_of_line(const LogLine& line) const {
  if (line.gap_bytes == 0) return view_.style.terminal ? visible(line.line) : line.line;
  const std::string bar = view_.style.ascii ? "--" : "──";
  return fmt::format("{} {} rotated away here {}", bar,
                     format_size(static_cast<std::uint64_t>(line.gap_bytes)), bar);
}

std::string LogPainter::draw(const LogLine& line) const {
  const auto known = names_.find(line.path);
  const std::string name = visible(known == names_.end() ? line.path : known->second);
  std::string head = view_.style.width > 0 ? cut(name, width_) : name;
  head = pad_right(head, width_) + "  ";
  std::string rest;
  if (line.time) rest = clock_text_ms(*line.time, view_.utc_offset) + " ";
  rest += text_of_line(line);
  const std::size_t used = width_of(head);
  if (!wrap_ && view_.style.width > used) rest = cut(rest, view_.style.width - used);
  return paint(head, colour_of(line.path), false, view_.style) + rest + "\n";
}

bool LogPosition::take(const LogLine& line) {
  if (line.gap_bytes == 0 && line.offset) {
    const auto [entry, fresh] = offsets_.emplace(std::pair(line.path, line.stream), *line.offset);
    if (!fresh && *line.offset <= entry->second) return false;
    entry->second = *line.offset;
  }
  last_time_ = std::max(last_time_, line.time_text);
  return true;
}

std::string LogPosition::offset() const {
  return offsets_.size() == 1 ? std::to_string(offsets_.begin()->second) : "";
}

}  // namespace banyan::cli
