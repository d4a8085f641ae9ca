#include "leaf/io/policy_fields.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "common/base/units.h"
#include "leaf/io/target_fields.h"

namespace banyan::leaf::io {
namespace {

using banyan::io::ConfigProblems;
using banyan::io::ConfigRange;
using banyan::io::ConfigReader;
using banyan::io::string_of;
using banyan::io::TomlKind;
using banyan::io::TomlValue;

constexpr std::chrono::hours day{24};
constexpr ConfigRange<Duration> every_range{milliseconds{10}, day};
constexpr ConfigRange<Duration> timeout_range{milliseconds{10}, day};
constexpr ConfigRange<Duration> watchdog_range{milliseconds{10}, day};
constexpr ConfigRange<Duration> free_range{Duration::zero(), day};
constexpr ConfigRange<std::uint64_t> memory_range{1ULL << 20U, 1ULL << 50U};
constexpr std::size_t max_stop_steps = 16;
constexpr std::size_t max_depends = 256;

Result<std::uint16_t> port_of(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  const bool right = error == std::errc{} && end == text.data() + text.size() && port > 0;
  if (!right || port > 65535) return failure("not a port; write 1 to 65535");
  return static_cast<std::uint16_t>(port);
}

// "host:port", "[::1]:port", ":port", "port"; without host: this one.
Result<std::pair<std::string, std::uint16_t>> host_and_port(std::string_view text) {
  const auto colon = text.rfind(':');
  auto host = colon == text.npos ? std::string_view{} : text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const auto port = port_of(colon == text.npos ? text : text.substr(colon + 1));
  if (!port) return tl::unexpected<Error>(port.error());
  return std::pair{host.empty() ? std::string{"127.0.0.1"} : std::string{host}, *port};
}

class CheckReader {
 public:
  CheckReader(ConfigReader& reader, std::string key) : reader_(reader), key_(std::move(key)) {}

  // One of `kinds`, and no other.
  void read(const std::vector<CheckKind>& kinds, CheckConfig& out) {
    int found = 0;
    for (const auto kind : kinds) {
      const auto* value = reader_.take(word(kind));
      const bool off = value == nullptr || (value->kind == TomlKind::boolean && !value->boolean);
      if (off) continue;
      ++found;
      out.kind = kind;
      take(kind, *value, out);
    }
    if (found == 1) return;
    std::string words;
    for (const auto kind : kinds) words += (words.empty() ? "" : ", ") + std::string{word(kind)};
    reader_.refuse_key("", fmt::format("{}: expected one of {}", key_, words));
  }

 private:
  static std::string_view word(CheckKind kind) {
    switch (kind) {
      case CheckKind::notify:
        return "notify";
      case CheckKind::fd:
        return "fd";
      case CheckKind::exec:
        return "exec";
      case CheckKind::tcp:
        return "tcp";
      case CheckKind::http:
        return "http";
      case CheckKind::log:
        return "log";
      case CheckKind::none:
        return "none";
    }
    return "none";
  }

  void take(CheckKind kind, const TomlValue& value, CheckConfig& out) {
    switch (kind) {
      case CheckKind::notify:
        if (value.kind != TomlKind::boolean) refuse(kind, value, "expected true");
        break;
      case CheckKind::fd:
        take_fd(value, out);
        break;
      case CheckKind::exec:
        keep(kind, value, command_of(value), out.exec);
        break;
      case CheckKind::tcp:
        if (auto address = tcp_address_of(value)) {
          std::tie(out.host, out.port) = *address;
        } else {
          refuse(kind, value, address.error().what);
        }
        break;
      case CheckKind::http:
        keep(kind, value, http_check_of(value), out);
        break;
      case CheckKind::log:
        take_pattern(value, out);
        break;
      case CheckKind::none:
        break;
    }
  }

  void take_fd(const TomlValue& value, CheckConfig& out) {
    const bool right = value.kind == TomlKind::integer && value.integer >= 3 && value.integer < 64;
    if (!right) return refuse(CheckKind::fd, value, "expected a descriptor from 3 to 63");
    out.fd = static_cast<int>(value.integer);
  }

  void take_pattern(const TomlValue& value, CheckConfig& out) {
    const auto* text = string_of(value);
    if (text == nullptr || text->empty()) {
      return refuse(CheckKind::log, value, "expected a pattern");
    }
    const re2::RE2 pattern(*text, re2::RE2::Quiet);
    if (!pattern.ok()) return refuse(CheckKind::log, value, "not a pattern: " + pattern.error());
    out.pattern = *text;
  }

  template <class T>
  void keep(CheckKind kind, const TomlValue& value, Result<T> found, T& out) {
    if (found) {
      out = std::move(*found);
    } else {
      refuse(kind, value, found.error().what);
    }
  }
  void refuse(CheckKind kind, const TomlValue& value, const std::string& message) {
    reader_.refuse(word(kind), value, message);
  }

  ConfigReader& reader_;
  std::string key_;
};

class PolicyReader {
 public:
  PolicyReader(ConfigReader& reader, ConfigProblems& problems, TargetConfig& out)
      : reader_(reader), problems_(problems), out_(out) {}

  void read() {
    read_ready();
    read_health();
    read_restart_on();
    reader_.read_duration("watchdog", watchdog_range, out_.watchdog);
    read_depends();
    read_strategy();
    read_schedule();
    read_stop();
  }

 private:
  const TomlValue* table(std::string_view key, const char* example) {
    const auto* value = reader_.take(key);
    if (value == nullptr || value->kind == TomlKind::table) return value;
    reader_.refuse(key, *value, fmt::format("expected a table, like {}", example));
    return nullptr;
  }

  void read_ready() {
    auto& ready = out_.ready;
    const bool limited = reader_.read_duration("start_timeout", timeout_range, ready.timeout);
    const auto* value = table("ready", "ready = { tcp = 8080 }");
    if (value == nullptr) return;
    ConfigReader inner{*value, "ready.", problems_};
    CheckReader{inner, "ready"}.read({CheckKind::notify, CheckKind::fd, CheckKind::exec,
                                      CheckKind::tcp, CheckKind::http, CheckKind::log},
                                     ready.check);
    inner.read_duration("every", every_range, ready.every);
    if (inner.read_duration("timeout", timeout_range, ready.timeout) && limited) {
      inner.refuse_key("timeout", "ready.timeout and start_timeout are the same; give one");
    }
    inner.finish({});
  }

  void read_health() {
    auto& health = out_.health;
    const auto* value = table("health", "health = { http = \":8080/healthz\" }");
    if (value == nullptr) return;
    ConfigReader inner{*value, "health.", problems_};
    CheckReader{inner, "health"}.read({CheckKind::exec, CheckKind::tcp, CheckKind::http},
                                      health.check);
    inner.read_duration("every", every_range, health.every);
    inner.read_duration("timeout", timeout_range, health.check.timeout);
    inner.read_duration("delay", free_range, health.delay);
    std::int64_t failures = health.failures;
    inner.read_integer("failures", {1, 1000}, failures);
    health.failures = static_cast<unsigned>(failures);
    inner.read_bool("restart", health.restart);
    inner.finish({});
  }

  void read_restart_on() {
    auto& limits = out_.restart_on;
    const auto* value = table("restart_on", "restart_on = { memory = \"512MiB\", for = \"30s\" }");
    if (value == nullptr) return;
    ConfigReader inner{*value, "restart_on.", problems_};
    inner.read_size("memory", memory_range, limits.memory);
    if (const auto* cpu = inner.take("cpu")) {
      const auto cpus = cpus_of(*cpu);
      if (!cpus) inner.refuse("cpu", *cpu, cpus.error().what);
      if (cpus) limits.cpu = *cpus;
    }
    inner.read_duration("for", free_range, limits.hold);
    if (!limits.any()) inner.refuse_key("", "restart_on: expected memory, cpu, or both");
    inner.finish({});
  }

  void read_depends() {
    const auto* value = reader_.take("depends");
    if (value == nullptr) return;
    if (const auto* one = string_of(*value)) {
      out_.depends = {*one};
    } else {
      reader_.read_strings("depends", out_.depends);
    }
    if (out_.depends.size() > max_depends) reader_.refuse("depends", *value, "more than 256");
  }

  void read_strategy() {
    std::size_t chosen = 0;
    reader_.read_choice("strategy", {"one-for-one", "rest-for-one", "all-for-one"}, chosen);
    constexpr Strategy strategies[] = {Strategy::one_for_one, Strategy::rest_for_one,
                                       Strategy::all_for_one};
    out_.strategy = strategies[chosen];
    reader_.read_string("strategy_group", out_.strategy_group);
  }

  void read_schedule() {
    const auto* value = reader_.take("schedule");
    if (value == nullptr) return;
    const auto* text = string_of(*value);
    const auto schedule = parse_cron(text == nullptr ? "" : *text);
    if (!schedule) {
      const auto& error = schedule.error();
      const auto hint = error.hint.empty() ? "" : "; " + error.hint;
      return reader_.refuse("schedule", *value, error.what + hint);
    }
    const bool said = reader_.take("restart") != nullptr;
    if (said && out_.restart == RestartPolicy::always) {
      return reader_.refuse("schedule", *value,
                            "with restart = \"always\" it would never rest; write \"never\" or "
                            "\"on-failure\"");
    }
    if (!said) out_.restart = RestartPolicy::never;
    out_.schedule = *schedule;
  }

  void read_stop() {
    reader_.read_duration("stop_timeout", free_range, out_.stop_timeout);
    const auto* value = reader_.take("stop_signal");
    if (value == nullptr) return;
    const auto sequence = stop_sequence_of(*value);
    if (!sequence) {
      const auto& error = sequence.error();
      const auto hint = error.hint.empty() ? "" : "; " + error.hint;
      return reader_.refuse("stop_signal", *value, error.what + hint);
    }
    Duration pauses{0};
    for (const auto& step : sequence->more) pauses += step.pause;
    if (!sequence->more.empty() && pauses >= out_.stop_timeout) {
      return reader_.refuse(
          "stop_signal", *value,
          fmt::format("its pauses take {}, but KILL comes after stop_timeout = {}",
                      exact_duration(pauses), exact_duration(out_.stop_timeout)));
    }
    out_.stop_signal = sequence->first;
    out_.stop_more = sequence->more;
  }

  ConfigReader& reader_;
  ConfigProblems& problems_;
  TargetConfig& out_;
};

}  // namespace

void read_policy(ConfigReader& reader, ConfigProblems& problems, TargetConfig& out) {
  PolicyReader{reader, problems, out}.read();
}

Result<StopSequence> stop_sequence_of(const TomlValue& value) {
  StopSequence sequence;
  if (value.kind != TomlKind::array) {
    const auto signal = signal_of(value);
    if (!signal) return tl::unexpected<Error>(signal.error());
    sequence.first = *signal;
    return sequence;
  }
  const auto bad = [](const std::string& what) {
    return failure(what, {}, {}, "write [\"INT\", \"2s\", \"TERM\"]");
  };
  if (value.items.size() > max_stop_steps) return bad("more than 16 steps");
  Duration pause{0};
  bool paused = false;
  std::vector<StopStep> steps;
  for (const auto& item : value.items) {
    if (const auto signal = signal_of(item)) {
      steps.push_back({std::exchange(pause, Duration::zero()), *signal});
      paused = false;
      continue;
    }
    const auto delay = parse_duration(item.text);
    if (!delay || steps.empty() || paused) return bad("expected signals, with pauses between");
    pause = *delay;
    paused = true;
  }
  if (steps.empty() || paused) return bad("expected signals, with pauses between");
  sequence.first = steps.front().signal;
  sequence.more.assign(steps.begin() + 1, steps.end());
  return sequence;
}

Result<std::pair<std::string, std::uint16_t>> tcp_address_of(const TomlValue& value) {
  const bool scalar = value.kind == TomlKind::string || value.kind == TomlKind::integer;
  if (!scalar) return failure("expected a port or \"host:port\"");
  return host_and_port(value.text);
}

Result<CheckConfig> http_check_of(const TomlValue& value) {
  const auto* text = string_of(value);
  if (text == nullptr) return failure("expected \"http://host:port/path\"");
  std::string_view rest = *text;
  if (rest.starts_with("https:")) return failure("only http is asked; check https by exec");
  constexpr std::string_view scheme = "http://";
  const bool full = rest.starts_with(scheme);
  if (full) rest.remove_prefix(scheme.size());
  const auto slash = std::min(rest.find('/'), rest.size());
  const auto path = rest.substr(slash);
  std::string authority{rest.substr(0, slash)};
  const bool ported = authority.rfind(':') != std::string::npos && !authority.ends_with(']');
  if (full && !ported) authority += ":80";
  const auto address = host_and_port(authority);
  if (!address) return tl::unexpected<Error>(address.error());
  const bool odd =
      std::any_of(path.begin(), path.end(), [](char c) { return c <= ' ' || c == 0x7f; });
  if (odd) return failure("blanks and control characters cannot be part of a path");
  CheckConfig check;
  check.kind = CheckKind::http;
  std::tie(check.host, check.port) = *address;
  check.path = path.empty() ? "/" : std::string{path};
  return check;
}

}  // namespace banyan::leaf::io
