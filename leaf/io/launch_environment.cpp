#include "leaf/io/launch_environment.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <string_view>

#include <fmt/format.h>

#include "common/io/files.h"

namespace banyan::leaf {
namespace {

constexpr std::array<std::string_view, 9> for_the_leaf_alone = {
    "NOTIFY_SOCKET",  "WATCHDOG_USEC", "WATCHDOG_PID",   "LISTEN_FDS", "LISTEN_PID",
    "LISTEN_FDNAMES", "INVOCATION_ID", "JOURNAL_STREAM", "MAINPID"};

constexpr std::string_view blanks = " \t\r";

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::string_view unquoted(std::string_view value) {
  const bool quoted = value.size() >= 2 && (value.front() == '"' || value.front() == '\'') &&
                      value.back() == value.front();
  return quoted ? value.substr(1, value.size() - 2) : value;
}

Environment environment_of_leaf() {
  Environment values;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const auto equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    values.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  for (const auto name : for_the_leaf_alone) values.erase(std::string(name));
  return values;
}

}  // namespace

Result<Environment> parse_env_file(std::string_view text) {
  Environment values;
  constexpr std::string_view exporting = "export ";
  for (unsigned number = 1; !text.empty(); ++number) {
    const auto newline = text.find('\n');
    auto line = trimmed(text.substr(0, newline));
    text.remove_prefix(newline == std::string_view::npos ? text.size() : newline + 1);
    if (line.empty() || line.front() == '#') continue;
    if (line.starts_with(exporting)) line = trimmed(line.substr(exporting.size()));
    const auto equals = line.find('=');
    const auto name = trimmed(line.substr(0, equals));
    const bool wrong = equals == std::string_view::npos || name.empty() ||
                       name.find_first_of(blanks) != std::string_view::npos ||
                       line.find('\0') != std::string_view::npos;
    if (wrong) return failure(fmt::format("line {} is not KEY=VALUE", number));
    if (name.starts_with("BANYAN_TARGET") || name.starts_with("BANYAN_SOCKET")) {
      return failure(fmt::format("line {} sets what banyan itself sets", number));
    }
    values[std::string(name)] = unquoted(trimmed(line.substr(equals + 1)));
  }
  return values;
}

Result<Environment> read_env_file(const std::string& path) {
  struct stat info = {};
  // A pipe would hold up the whole leaf.
  if (::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode)) {
    return failure("env_file", path, "not a regular file");
  }
  const auto text = banyan::io::read_file(path, env_file_bytes_max);
  if (!text) return failure("cannot read env_file", path, text.error().why, text.error().hint);
  auto values = parse_env_file(*text);
  if (!values) return failure("env_file", path, values.error().what);
  return values;
}

Result<Environment> environment_of(const TargetConfig& config, const TargetUser& user) {
  Environment values = environment_of_leaf();
  if (!user.name.empty()) {
    values["HOME"] = user.home;
    values["USER"] = user.name;
    values["LOGNAME"] = user.name;
  }
  if (!config.process.env_file.empty()) {
    auto secrets = read_env_file(config.process.env_file);
    if (!secrets) return tl::unexpected<Error>(secrets.error());
    for (auto& [name, value] : *secrets) values[name] = std::move(value);
  }
  for (const auto& [name, value] : config.env) values[name] = value;
  return values;
}

std::vector<std::string> lines_of(const Environment& environment) {
  std::vector<std::string> lines;
  lines.reserve(environment.size());
  for (const auto& [name, value] : environment) lines.push_back(name + "=" + value);
  return lines;
}

}  // namespace banyan::leaf
