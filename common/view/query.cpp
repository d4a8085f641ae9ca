#include "common/view/query.h"

#include <algorithm>
#include <charconv>

#include "common/base/text.h"
#include "common/base/units.h"
#include "common/view/wall_text.h"

namespace banyan::view {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<std::string> decode(std::string_view text, bool plus_is_blank) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_blank) {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0) {
        return failure("bad percent encoding", visible(text.substr(i, 3)), {},
                       "% is followed by two hex digits; a literal % is %25");
      }
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  if (!is_utf8(out)) return failure("not UTF-8", visible(out));
  return out;
}

Error about(std::string_view name, const std::string& value, const Error& error) {
  return Error{error.what, std::string(name) + "=" + visible(value), error.why, error.hint};
}

}  // namespace

std::vector<std::string> split_words(std::string_view text, char separator) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const auto end = std::min(text.find(separator), text.size());
    if (end > 0) words.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

Result<Query> Query::parse(std::string_view text) {
  Query query;
  for (const auto& part : split_words(text, '&')) {
    const auto sign = std::min(part.find('='), part.size());
    auto name = decode(std::string_view(part).substr(0, sign), true);
    auto value = decode(std::string_view(part).substr(std::min(sign + 1, part.size())), true);
    if (!name) return tl::unexpected<Error>(std::move(name.error()));
    if (!value) return tl::unexpected<Error>(std::move(value.error()));
    const auto given = std::find_if(query.list_.begin(), query.list_.end(),
                                    [&](const auto& entry) { return entry.first == *name; });
    if (given != query.list_.end()) {
      given->second += "," + *value;
    } else if (query.list_.size() < max_parameters) {
      query.list_.emplace_back(std::move(*name), std::move(*value));
    } else {
      return failure("too many parameters", {}, "at most 64");
    }
  }
  return query;
}

Status Query::check_known(std::string_view known_words) const {
  const auto known = split_words(known_words, ' ');
  for (const auto& [name, value] : list_) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    const auto near = did_you_mean(name, known);
    std::string hint = "it takes no parameters";
    if (near) {
      hint = "did you mean " + *near + "?";
    } else if (!known.empty()) {
      hint = "known here: " + std::string(known_words);
    }
    return failure("unknown query parameter", visible(name), {}, std::move(hint));
  }
  return {};
}

const std::string* Query::find(std::string_view name) const {
  const auto it = std::find_if(list_.begin(), list_.end(),
                               [&](const auto& entry) { return entry.first == name; });
  return it == list_.end() ? nullptr : &it->second;
}

std::string Query::text(std::string_view name) const {
  const auto* value = find(name);
  return value == nullptr ? std::string() : *value;
}

Result<bool> Query::flag(std::string_view name) const {
  const auto* value = find(name);
  if (value == nullptr) return false;
  for (const char* yes : {"", "1", "true", "yes", "on"}) {
    if (*value == yes) return true;
  }
  for (const char* no : {"0", "false", "no", "off"}) {
    if (*value == no) return false;
  }
  return tl::unexpected<Error>(
      about(name, *value, Error{"not a yes or no", {}, {}, "write 1 or 0"}));
}

Result<std::optional<std::int64_t>> Query::integer(std::string_view name, Range range) const {
  const auto* value = find(name);
  if (value == nullptr) return std::nullopt;
  std::int64_t number = 0;
  const auto* end = value->data() + value->size();
  const auto [stop, error] = std::from_chars(value->data(), end, number);
  if (error != std::errc{} || stop != end || value->empty()) {
    return tl::unexpected<Error>(about(name, *value, Error{"not a whole number", {}, {}, {}}));
  }
  if (number < range.low || number > range.high) {
    const auto bounds = std::to_string(range.low) + " to " + std::to_string(range.high);
    return tl::unexpected<Error>(about(name, *value, Error{"out of range", {}, bounds, {}}));
  }
  return number;
}

Result<std::optional<WallTime>> Query::time(std::string_view name, WallTime now) const {
  const auto* value = find(name);
  if (value == nullptr) return std::nullopt;
  const auto time = parse_wall(*value, now);
  if (!time) return tl::unexpected<Error>(about(name, *value, time.error()));
  return *time;
}

Result<std::optional<Duration>> Query::duration(std::string_view name) const {
  const auto* value = find(name);
  if (value == nullptr) return std::nullopt;
  const auto duration = parse_duration(*value);
  if (!duration) return tl::unexpected<Error>(about(name, *value, duration.error()));
  return *duration;
}

std::vector<std::string> Query::words(std::string_view name) const {
  return split_words(text(name), ',');
}

Result<RequestTargetParts> parse_request_target(std::string_view target) {
  const auto mark = std::min(target.find('?'), target.size());
  auto path = decode(target.substr(0, mark), false);
  if (!path) return tl::unexpected<Error>(std::move(path.error()));
  auto query = Query::parse(target.substr(std::min(mark + 1, target.size())));
  if (!query) return tl::unexpected<Error>(std::move(query.error()));
  return RequestTargetParts{std::move(*path), std::move(*query)};
}

}  // namespace banyan::view
