#include "leaf/io/target_fields.h"

#include <algorithm>
#include <csignal>
#include <iterator>

#include "common/base/shell_split.h"
#include "common/base/units.h"
#include "common/io/config_reader.h"

namespace banyan::leaf::io {
namespace {

using banyan::io::string_of;
using banyan::io::TomlKind;
using banyan::io::TomlValue;

constexpr std::size_t max_arguments = 4096;
constexpr unsigned max_restart_count = 1000;
constexpr Duration max_delay = std::chrono::hours{24};

bool has_zero_byte(const std::string& text) { return text.find('\0') != std::string::npos; }

Result<std::vector<std::string>> check_command(std::vector<std::string> command) {
  if (command.empty() || command[0].empty()) return failure("expected a program to run");
  if (command.size() > max_arguments) return failure("more than 4096 arguments");
  if (std::any_of(command.begin(), command.end(), has_zero_byte)) {
    return failure("a zero byte cannot be part of an argument");
  }
  return command;
}

// A duration as number or text.
Result<Duration> delay_of(std::string_view text) {
  auto delay = parse_duration(text);
  if (delay && *delay > max_delay) return failure("at most 24h");
  return delay;
}

// What a leaf under `run` hears (only_target.h).
bool can_be_caught(int number) {
  constexpr int heard[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH};
  return std::find(std::begin(heard), std::end(heard), number) != std::end(heard);
}

}  // namespace

Result<std::vector<std::string>> command_of(const TomlValue& value) {
  if (const auto* line = string_of(value)) {
    auto words = shell_split(*line);
    if (!words) {
      const auto& error = words.error();
      return failure(error.what + " at " + error.where + " of the string", {}, {}, error.hint);
    }
    return check_command(std::move(*words));
  }
  const auto is_string = [](const TomlValue& item) { return item.kind == TomlKind::string; };
  const bool right = value.kind == TomlKind::array &&
                     std::all_of(value.items.begin(), value.items.end(), is_string);
  if (!right) return failure("expected a string or an array of strings");
  std::vector<std::string> command;
  for (const auto& item : value.items) command.push_back(item.text);
  return check_command(std::move(command));
}

Result<Backoff> backoff_of(const TomlValue& value) {
  const auto bad = [](const std::string& what) {
    return failure(what, {}, {}, "write \"100ms..30s\"");
  };
  const bool scalar = value.kind == TomlKind::string || value.kind == TomlKind::integer ||
                      value.kind == TomlKind::number;
  if (!scalar) return bad("expected shortest and longest delay");
  const auto dots = value.text.find("..");
  const auto min = delay_of(std::string_view{value.text}.substr(0, dots));
  if (!min) return bad(min.error().what);
  Backoff backoff;
  backoff.min = *min;
  backoff.max = std::max(backoff.max, *min);
  if (dots == std::string::npos) return backoff;
  const auto max = delay_of(std::string_view{value.text}.substr(dots + 2));
  if (!max) return bad(max.error().what);
  if (*max < *min) return bad("the longest delay is shorter than the shortest");
  backoff.max = *max;
  return backoff;
}

Result<Intensity> intensity_of(const TomlValue& value) {
  const auto bad = [] {
    return failure("expected restarts per time", {}, {}, "write \"5/1m\" or \"none\"");
  };
  const auto* text = string_of(value);
  if (text == nullptr) return bad();
  if (*text == "none") return Intensity{};
  const auto slash = text->find('/');
  const auto digits = text->substr(0, slash);
  const bool number = !digits.empty() && digits.size() <= 4 &&
                      digits.find_first_not_of("0123456789") == std::string::npos;
  if (slash == std::string::npos || !number) return bad();
  const auto period = delay_of(text->substr(slash + 1));
  if (!period || *period == Duration::zero()) return bad();
  const auto count = static_cast<unsigned>(std::stoul(digits));
  if (count == 0 || count > max_restart_count) {
    return failure("expected 1 to 1000 restarts", {}, {}, "for none at all: restart = \"never\"");
  }
  return Intensity{count, *period};
}

Result<int> signal_of(const TomlValue& value) {
  const bool scalar = value.kind == TomlKind::string || value.kind == TomlKind::integer;
  return parse_signal(scalar ? value.text : "");
}

Result<std::map<int, int>> rewrites_of(const TomlValue& value) {
  const auto bad = [](const std::string& what) {
    return failure(what, {}, {}, "write [\"TERM:QUIT\", \"HUP:0\"]");
  };
  if (value.kind != TomlKind::array) return bad("expected an array of SIGNAL:SIGNAL");
  std::map<int, int> rewrites;
  for (const auto& item : value.items) {
    const auto* text = string_of(item);
    const auto colon = text == nullptr ? std::string::npos : text->find(':');
    if (colon == std::string::npos) return bad("expected SIGNAL:SIGNAL");
    const auto from = parse_signal(text->substr(0, colon));
    const auto means = text->substr(colon + 1);
    const auto to = means == "0" ? Result<int>(0) : parse_signal(means);
    if (!from || !to) return bad("not a signal in \"" + *text + "\"");
    if (!can_be_caught(*from)) return bad("only TERM INT HUP QUIT USR1 USR2 WINCH are heard");
    rewrites[*from] = *to;
  }
  return rewrites;
}

Result<unsigned> umask_of(const TomlValue& value) {
  const auto bad = [] { return failure("not a umask", {}, {}, "write \"022\" or 0o022"); };
  if (value.kind == TomlKind::integer && !value.typed_bare) {
    if (value.integer < 0 || value.integer > 0777) return bad();
    return static_cast<unsigned>(value.integer);
  }
  const auto* text = string_of(value);
  const bool octal = text != nullptr && !text->empty() && text->size() <= 4 &&
                     text->find_first_not_of("01234567") == std::string::npos;
  if (!octal) return bad();
  const auto mask = static_cast<unsigned>(std::stoul(*text, nullptr, 8));
  if (mask > 0777) return bad();
  return mask;
}

Result<std::vector<int>> exit_codes_of(const TomlValue& value) {
  const auto is_code = [](const TomlValue& item) {
    return item.kind == TomlKind::integer && item.integer >= 0 && item.integer <= 255;
  };
  const bool right = value.kind == TomlKind::array && value.items.size() <= 256 &&
                     std::all_of(value.items.begin(), value.items.end(), is_code);
  if (!right) return failure("expected an array of exit codes from 0 to 255, like [0, 3]");
  std::vector<int> codes;
  for (const auto& item : value.items) codes.push_back(static_cast<int>(item.integer));
  return codes;
}

}  // namespace banyan::leaf::io
