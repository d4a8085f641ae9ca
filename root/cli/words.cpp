#include "root/cli/words.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/base/text.h"

namespace banyan::cli {

namespace {

bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

}  // namespace

std::string short_duration(Duration duration) {
  const auto whole = std::chrono::duration_cast<seconds>(duration).count();
  const std::int64_t total = std::max<std::int64_t>(0, whole);
  constexpr std::int64_t minute = 60, hour = 3600, day = 86400;
  if (total < minute) return fmt::format("{}s", total);
  if (total < hour) return fmt::format("{}m{:02}s", total / minute, total % minute);
  if (total < day) return fmt::format("{}h{:02}m", total / hour, total % hour / minute);
  if (total < 3 * day) return fmt::format("{}d{:02}h", total / day, total % day / hour);
  return fmt::format("{}d", total / day);
}

std::string count_of(std::int64_t count, std::string_view one, std::string_view many) {
  if (count == 1) return fmt::format("1 {}", one);
  if (!many.empty()) return fmt::format("{} {}", count, many);
  return fmt::format("{} {}s", count, one);
}

std::string spoken(std::string_view word) {
  std::string out(word);
  std::replace(out.begin(), out.end(), '_', ' ');
  return out;
}

std::string visible(std::string_view text) {
  std::string out;
  for (std::size_t tab = text.find('\t'); tab != std::string_view::npos; tab = text.find('\t')) {
    out += banyan::visible(text.substr(0, tab)) + "\t";
    text.remove_prefix(tab + 1);
  }
  return out + banyan::visible(text);
}

std::size_t width_of(std::string_view text) {
  return text.size() -
         static_cast<std::size_t>(std::count_if(text.begin(), text.end(), is_continuation));
}

std::string pad_right(std::string_view text, std::size_t width) {
  const std::size_t have = width_of(text);
  return std::string(text) + std::string(have < width ? width - have : 0, ' ');
}

std::string pad_left(std::string_view text, std::size_t width) {
  const std::size_t have = width_of(text);
  return std::string(have < width ? width - have : 0, ' ') + std::string(text);
}

std::string cut(std::string_view text, std::size_t width) {
  if (width == 0 || width_of(text) <= width) return std::string(text);
  std::size_t points = 0, end = 0;
  while (end < text.size() && (points < width - 1 || is_continuation(text[end]))) {
    if (!is_continuation(text[end])) ++points;
    ++end;
  }
  return std::string(text.substr(0, end)) + "…";
}

std::string shell_word(std::string_view text) {
  constexpr std::string_view harmless =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-@,=:+";
  const std::string shown = visible(text);
  if (!shown.empty() && shown.find_first_not_of(harmless) == std::string::npos) return shown;
  std::string out = "'";
  for (const char c : shown) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

}  // namespace banyan::cli
