#include "leaf/io/notification.h"

#include <charconv>

#include "common/base/text.h"

namespace banyan::leaf {
namespace {

constexpr std::size_t status_max = 256;
constexpr std::int64_t us_per_ms = 1000;
constexpr std::int64_t extend_ms_max = 24LL * 3600 * 1000;

template <class Number>
std::optional<Number> whole_number(std::string_view text) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  return whole ? std::optional(value) : std::nullopt;
}

bool take_extension(std::string_view value, Notified& said) {
  const auto us = whole_number<std::int64_t>(value);
  if (!us || *us < 0) return false;
  // Rounded up: a target never gets less than it asked for.
  said.extend_ms = std::min(*us / us_per_ms + (*us % us_per_ms > 0 ? 1 : 0), extend_ms_max);
  return true;
}

bool take_word(std::string_view name, std::string_view value, Notified& said) {
  const auto flag = [&](bool& out) { return value == "1" && (out = true); };
  if (name == "READY") return flag(said.ready);
  if (name == "STOPPING") return flag(said.stopping);
  if (name == "RELOADING") return flag(said.reloading);
  if (name == "WATCHDOG") return flag(said.watchdog);
  if (name == "EXTEND_TIMEOUT_USEC") return take_extension(value, said);
  if (name != "STATUS") return false;
  said.status = visible(value.substr(0, status_max));
  return true;
}

}  // namespace

std::optional<Notified> parse_notification(std::string_view text) {
  Notified said;
  bool any = false;
  while (!text.empty()) {
    const auto newline = text.find('\n');
    const auto line = text.substr(0, newline);
    text.remove_prefix(newline == std::string_view::npos ? text.size() : newline + 1);
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) continue;
    any = take_word(line.substr(0, equals), line.substr(equals + 1), said) || any;
  }
  return any ? std::optional(said) : std::nullopt;
}

std::optional<MarkOwner> parse_mark(std::string_view mark, std::string_view instance) {
  const auto slash = mark.find('/');
  const auto hash = mark.rfind('#');
  const bool ours = slash != std::string_view::npos && hash != std::string_view::npos &&
                    slash < hash && mark.substr(0, slash) == instance;
  if (!ours) return std::nullopt;
  const auto generation = whole_number<std::uint64_t>(mark.substr(hash + 1));
  if (!generation) return std::nullopt;
  return MarkOwner{std::string(mark.substr(slash + 1, hash - slash - 1)), *generation};
}

}  // namespace banyan::leaf
