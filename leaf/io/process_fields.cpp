#include "leaf/io/process_fields.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "common/base/units.h"
#include "leaf/io/launch_environment.h"
#include "leaf/io/target_fields.h"
#include "leaf/io/target_user.h"

namespace banyan::leaf::io {
namespace {

using banyan::io::ConfigProblems;
using banyan::io::ConfigReader;
using banyan::io::string_of;
using banyan::io::TomlKind;
using banyan::io::TomlValue;

constexpr std::array<std::pair<std::string_view, ResourceKind>, 8> resources = {{
    {"nofile", ResourceKind::nofile},
    {"core", ResourceKind::core},
    {"as", ResourceKind::as},
    {"cpu_time", ResourceKind::cpu_time},
    {"nproc", ResourceKind::nproc},
    {"fsize", ResourceKind::fsize},
    {"memlock", ResourceKind::memlock},
    {"stack", ResourceKind::stack},
}};
constexpr std::size_t max_groups = 256;
constexpr std::uint64_t min_memory = 1 << 20;
constexpr unsigned max_io_level = 7;

bool is_count(ResourceKind kind) {
  return kind == ResourceKind::nofile || kind == ResourceKind::nproc;
}

Result<std::uint64_t> one_limit(ResourceKind kind, const std::string& text) {
  if (text == "unlimited") return ResourceLimit::unlimited;
  if (kind == ResourceKind::cpu_time) {
    const auto time = parse_duration(text);
    if (!time) return tl::unexpected<Error>(time.error());
    const auto whole = std::chrono::ceil<seconds>(*time).count();
    return static_cast<std::uint64_t>(whole);
  }
  if (!is_count(kind)) return parse_size(text);
  std::uint64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  if (!whole) return failure("expected a number, \"unlimited\" or \"soft:hard\"");
  return count;
}

class ProcessReader {
 public:
  ProcessReader(ConfigReader& reader, ConfigProblems& problems, ProcessConfig& out)
      : reader_(reader), problems_(problems), out_(out) {}

  void read() {
    read_environment();
    read_user();
    read_priorities();
    read_input();
    reader_.read_bool("no_new_privs", out_.no_new_privs);
    reader_.read_bool("pass_output", out_.pass_output);
    read_limits();
    read_hook("on_start", out_.on_start);
    read_hook("on_exit", out_.on_exit);
  }

 private:
  void refuse(ConfigReader& reader, std::string_view key, const TomlValue& value,
              const Error& error) {
    reader.refuse(key, value, error.hint.empty() ? error.what : error.what + "; " + error.hint);
  }

  void read_environment() {
    if (!reader_.read_string("env_file", out_.env_file)) return;
    const auto values = read_env_file(out_.env_file);
    if (!values) reader_.refuse_key("env_file", values.error().text());
  }

  void read_user() {
    reader_.read_string("user", out_.user);
    reader_.read_string("group", out_.group);
    reader_.read_strings("groups", out_.groups);
    if (out_.groups.size() > max_groups) reader_.refuse_key("groups", "more than 256 groups");
    ProcessConfig asked;
    asked.user = out_.user;
    const auto user = find_target_user(asked);
    if (!user) reader_.refuse_key("user", user.error().text());
    asked = {};
    asked.group = out_.group;
    const auto group = find_target_user(asked);
    if (!group) reader_.refuse_key("group", group.error().text());
    asked = {};
    asked.groups = out_.groups;
    const auto groups = find_target_user(asked);
    if (!groups) reader_.refuse_key("groups", groups.error().text());
  }

  void read_priorities() {
    std::int64_t number = 0;
    if (reader_.read_integer("nice", {-20, 19}, number)) out_.nice = static_cast<int>(number);
    if (reader_.read_integer("oom_score_adj", {-1000, 1000}, number)) {
      out_.oom_score_adj = static_cast<int>(number);
    }
    const auto* value = reader_.take("io_class");
    if (value == nullptr) return;
    const auto priority = io_priority_of(*value);
    if (priority) {
      out_.io_priority = *priority;
    } else {
      refuse(reader_, "io_class", *value, priority.error());
    }
  }

  void read_input() {
    if (!reader_.read_string("stdin", out_.input)) return;
    const bool right =
        out_.input == "null" || out_.input == "inherit" || out_.input.starts_with('/');
    if (!right) reader_.refuse_key("stdin", "stdin: expected \"null\" or an absolute path");
  }

  void read_limits() {
    const auto* table = reader_.take("limits");
    if (table == nullptr) return;
    if (table->kind != TomlKind::table) {
      return reader_.refuse("limits", *table, "expected a table, like limits = { nofile = 4096 }");
    }
    ConfigReader limits{*table, "limits.", problems_};
    for (const auto& [key, kind] : resources) {
      const auto* value = limits.take(key);
      if (value == nullptr) continue;
      const auto limit = limit_of(kind, *value);
      if (limit) {
        out_.limits[kind] = *limit;
      } else {
        refuse(limits, key, *value, limit.error());
      }
    }
    limits.read_size("memory", {min_memory, 1ULL << 50}, out_.memory_max);
    read_cpus(limits);
    limits.finish({});
  }

  void read_cpus(ConfigReader& limits) {
    const auto* value = limits.take("cpu");
    if (value == nullptr) return;
    const auto cpus = cpus_of(*value);
    if (!cpus) return limits.refuse("cpu", *value, cpus.error().what);
    out_.cpu_max = *cpus;
  }

  void read_hook(std::string_view key, std::vector<std::string>& out) {
    const auto* value = reader_.take(key);
    if (value == nullptr) return;
    auto command = command_of(*value);
    if (command) {
      out = std::move(*command);
    } else {
      refuse(reader_, key, *value, command.error());
    }
  }

  ConfigReader& reader_;
  ConfigProblems& problems_;
  ProcessConfig& out_;
};

}  // namespace

Result<IoPriority> io_priority_of(const TomlValue& value) {
  const auto bad = [] {
    return failure("not an I/O class", {}, {},
                   "write \"best-effort:0\" ... \"best-effort:7\", \"realtime:0\" or \"idle\"");
  };
  const auto* text = string_of(value);
  if (text == nullptr) return bad();
  const auto colon = text->find(':');
  const auto name = text->substr(0, colon);
  IoPriority priority;
  if (name == "realtime") {
    priority.kind = IoClass::realtime;
  } else if (name == "idle") {
    priority = {IoClass::idle, 0};
  } else if (name != "best-effort") {
    return bad();
  }
  if (colon == std::string::npos) return priority;
  const auto level = text->substr(colon + 1);
  const bool right = priority.kind != IoClass::idle && level.size() == 1 && level[0] >= '0' &&
                     static_cast<unsigned>(level[0] - '0') <= max_io_level;
  if (!right) return bad();
  priority.level = static_cast<unsigned>(level[0] - '0');
  return priority;
}

Result<ResourceLimit> limit_of(ResourceKind kind, const TomlValue& value) {
  const bool scalar = value.kind == TomlKind::string || value.kind == TomlKind::integer ||
                      (value.kind == TomlKind::number && kind == ResourceKind::cpu_time);
  if (!scalar) return failure("expected a limit, \"unlimited\" or \"soft:hard\"");
  const auto colon = value.text.find(':');
  const auto soft = one_limit(kind, value.text.substr(0, colon));
  if (!soft) return tl::unexpected<Error>(soft.error());
  if (colon == std::string::npos) return ResourceLimit{*soft, *soft};
  const auto hard = one_limit(kind, value.text.substr(colon + 1));
  if (!hard) return tl::unexpected<Error>(hard.error());
  if (*hard < *soft) return failure("the hard limit is below the soft one");
  return ResourceLimit{*soft, *hard};
}

void read_process(ConfigReader& reader, ConfigProblems& problems, ProcessConfig& out) {
  ProcessReader{reader, problems, out}.read();
}

}  // namespace banyan::leaf::io
