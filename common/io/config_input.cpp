#include "common/io/config_input.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <system_error>

#include <unistd.h>

extern char** environ;

namespace banyan::io {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t max_file_size = 1U << 20;
constexpr std::size_t max_extra_files = 256;

void refuse(ConfigInput& input, const std::string& file, const std::string& why) {
  add_problem(input.problems, ConfigPlace{file, 0, 0, 0}, why);
}

void add_file(ConfigInput& input, const std::string& file) {
  std::error_code error;
  if (fs::is_directory(file, error)) return refuse(input, file, "cannot read: it is a directory");
  errno = 0;
  std::ifstream stream{file, std::ios::binary};
  if (!stream) return refuse(input, file, std::string{"cannot read: "} + std::strerror(errno));
  std::string text(max_file_size + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (stream.bad()) return refuse(input, file, "cannot read: input/output error");
  text.resize(static_cast<std::size_t>(stream.gcount()));
  if (text.size() > max_file_size) return refuse(input, file, "larger than 1 MiB");
  input.files.push_back(ConfigText{file, std::move(text)});
}

void add_extra_files(ConfigInput& input, const std::string& file) {
  const auto directory = fs::path{file}.parent_path() / "conf.d";
  std::vector<std::string> names;
  std::error_code error;
  fs::directory_iterator entry{directory, error};
  if (error) {
    const bool absent = error == std::errc::no_such_file_or_directory;
    if (!absent) refuse(input, directory.string(), "cannot read: " + error.message());
    return;
  }
  for (; !error && entry != fs::directory_iterator{}; entry.increment(error)) {
    const auto& path = entry->path();
    const bool hidden = path.filename().string().starts_with('.');
    if (!hidden && path.extension() == ".toml") names.push_back(path.string());
  }
  if (error) refuse(input, directory.string(), "cannot read: " + error.message());
  if (names.size() > max_extra_files) {
    return refuse(input, directory.string(), "more than 256 files");
  }
  std::sort(names.begin(), names.end());
  for (const auto& name : names) add_file(input, name);
}

std::map<std::string, std::string> own_environment() {
  std::map<std::string, std::string> found;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string line{*entry};
    const auto equals = line.find('=');
    if (equals == std::string::npos) continue;
    const auto name = line.substr(0, equals);
    const bool wanted = name.starts_with("BANYAN_") || name == "HOME" || name == "XDG_STATE_HOME";
    if (wanted) found[name] = line.substr(equals + 1);
  }
  return found;
}

}  // namespace

ConfigInput gather_config(const std::string& file, std::vector<std::string> sets) {
  ConfigInput input;
  input.sets = std::move(sets);
  input.environment = own_environment();
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) == 0) input.host_name = host.data();
  std::error_code error;
  input.directory = fs::current_path(error).string();
  if (error) input.directory = "/";
  input.super_user = ::geteuid() == 0;
  if (!file.empty()) {
    add_file(input, file);
    add_extra_files(input, file);
  }
  return input;
}

}  // namespace banyan::io
