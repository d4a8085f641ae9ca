#include "leaf/io/cgroups.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <sstream>
#include <thread>

#include <fmt/format.h>

#include "common/io/files.h"
#include "leaf/io/launcher.h"
#include "leaf/io/proc_files.h"

namespace banyan::leaf {
namespace {

constexpr std::uint64_t cpu_period_us = 100'000;
constexpr mode_t folder_mode = 0755;

std::string text_of(const std::string& path) {
  return banyan::io::read_file(path).value_or(std::string());
}

bool write_to(const std::string& path, const std::string& text) {
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return file && ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

std::set<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  std::set<std::string> words;
  for (std::string word; stream >> word;) words.insert(word);
  return words;
}

std::vector<int> pids_in(const std::string& folder) {
  std::istringstream lines(text_of(folder + "/cgroup.procs"));
  std::vector<int> pids;
  for (int pid = 0; lines >> pid;) pids.push_back(pid);
  return pids;
}

bool has_groups_below(const std::string& folder) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.is_directory(error)) return true;
  }
  return false;
}

}  // namespace

// mountinfo: "id parent major:minor root mount_point options ... - type source super_options"
std::string own_group_folder(const std::string& mountinfo, const std::string& cgroup) {
  std::string mount;
  std::istringstream mounts(mountinfo);
  for (std::string line; std::getline(mounts, line);) {
    if (line.find(" - cgroup2 ") == std::string::npos) continue;
    std::istringstream words(line);
    std::string skipped;
    words >> skipped >> skipped >> skipped >> skipped >> mount;
    break;
  }
  if (mount.empty()) return {};
  std::istringstream groups(cgroup);
  for (std::string line; std::getline(groups, line);) {
    if (!line.starts_with("0::/")) continue;
    const auto path = line.substr(3);
    return path == "/" ? mount : mount + path;
  }
  return {};
}

std::uint64_t oom_kills_of(const std::string& memory_events) {
  std::istringstream lines(memory_events);
  std::string name;
  std::uint64_t count = 0;
  while (lines >> name >> count) {
    if (name == "oom_kill") return count;
  }
  return 0;
}

Cgroups::Cgroups(const std::string& instance) : instance_(instance) {
  const auto own = own_group_folder(text_of("/proc/self/mountinfo"), text_of("/proc/self/cgroup"));
  if (own.empty()) {
    description_ = "no cgroup v2 here; subtrees are ended by a walk over /proc";
    return;
  }
  const auto folder = own + "/banyan-" + instance;
  const bool made = ::mkdir(folder.c_str(), folder_mode) == 0 || errno == EEXIST;
  if (!made || ::access((folder + "/cgroup.kill").c_str(), W_OK) != 0) {
    description_ = fmt::format(
        "cgroup v2 at {} cannot be used: {}; subtrees are ended by a walk "
        "over /proc",
        own, banyan::io::error_text(errno));
    if (made) ::rmdir(folder.c_str());
    return;
  }
  folder_ = folder;
  for (const std::string controller : {"memory", "cpu"}) {
    write_to(own + "/cgroup.subtree_control", "+" + controller);
    write_to(folder + "/cgroup.subtree_control", "+" + controller);
  }
  controllers_ = words_of(text_of(folder + "/cgroup.subtree_control"));
  std::string limits;
  for (const auto& name : controllers_) limits += (limits.empty() ? "" : ", ") + name;
  description_ =
      fmt::format("cgroup v2 at {}, limits: {}", folder, limits.empty() ? "none" : limits);
  sweep();
}

// The kernel takes a moment to let go of a group after its last process.
Cgroups::~Cgroups() {
  constexpr int attempts = 20;
  constexpr auto pause = std::chrono::milliseconds{5};
  if (!usable()) return;
  for (int attempt = 0; attempt < attempts && !sweep(); ++attempt) {
    std::this_thread::sleep_for(pause);
  }
  ::rmdir(folder_.c_str());
}

// Whoever is still in one keeps it: only empty ones are removed.
bool Cgroups::sweep() const {
  bool clean = true;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
    if (!entry.is_directory(error)) continue;
    const auto folder = entry.path().string();
    if (::rmdir(folder.c_str()) == 0) continue;
    const auto events = text_of(folder + "/cgroup.events");
    clean = clean && events.find("populated 1") != std::string::npos;
  }
  return clean;
}

std::string Cgroups::objection(const ProcessConfig& config) const {
  std::string missing;
  if (config.memory_max > 0 && !controllers_.contains("memory")) missing = "memory";
  if (config.cpu_max > 0 && !controllers_.contains("cpu")) {
    missing += missing.empty() ? "cpu" : " and cpu";
  }
  if (missing.empty()) return {};
  return fmt::format(
      "limits of {} do not hold here: this process may not hand down that cgroup v2 "
      "controller (under systemd: Delegate=yes)",
      missing);
}

std::string Cgroups::folder_of(const std::string& target, std::uint64_t generation) const {
  return fmt::format("{}/{}.{}", folder_, target, generation);
}

Descriptor Cgroups::make(const std::string& target, std::uint64_t generation,
                         const ProcessConfig& config) {
  if (!usable()) return {};
  std::erase_if(emptying_,
                [](const auto& folder) { return ::rmdir(folder.c_str()) == 0 || errno == ENOENT; });
  const auto folder = folder_of(target, generation);
  if (::mkdir(folder.c_str(), folder_mode) < 0 && errno != EEXIST) return {};
  set_limits(folder, config);
  return Descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

void Cgroups::set_limits(const std::string& folder, const ProcessConfig& config) const {
  if (config.memory_max > 0) {
    write_to(folder + "/memory.max", std::to_string(config.memory_max));
    // The whole target dies, not one process that it then misses.
    write_to(folder + "/memory.oom.group", "1");
  }
  if (config.cpu_max > 0) {
    const auto quota = std::llround(config.cpu_max * static_cast<double>(cpu_period_us));
    write_to(folder + "/cpu.max", fmt::format("{} {}", quota, cpu_period_us));
  }
}

std::optional<unsigned> Cgroups::kill(const std::string& target, std::uint64_t generation) {
  if (!usable()) return std::nullopt;
  const auto folder = folder_of(target, generation);
  const auto pids = pids_in(folder);
  const auto mark = target_mark(instance_, target, generation);
  const auto is_foreign = [&](int pid) {
    const auto its = process_mark(pid);
    return !its.empty() && its != mark;
  };
  const bool populated =
      text_of(folder + "/cgroup.events").find("populated 1") != std::string::npos;
  if (pids.empty() && !populated) return 0U;
  if (has_groups_below(folder)) return std::nullopt;
  if (std::any_of(pids.begin(), pids.end(), is_foreign)) return std::nullopt;
  if (!write_to(folder + "/cgroup.kill", "1")) return std::nullopt;
  return static_cast<unsigned>(pids.size());
}

unsigned Cgroups::left(const std::string& target, std::uint64_t generation) const {
  return static_cast<unsigned>(pids_in(folder_of(target, generation)).size());
}

bool Cgroups::oom_killed(const std::string& target, std::uint64_t generation) const {
  if (!usable() || !controllers_.contains("memory")) return false;
  return oom_kills_of(text_of(folder_of(target, generation) + "/memory.events")) > 0;
}

void Cgroups::remove(const std::string& target, std::uint64_t generation) {
  if (!usable()) return;
  const auto folder = folder_of(target, generation);
  if (::rmdir(folder.c_str()) < 0 && errno != ENOENT) emptying_.insert(folder);
}

}  // namespace banyan::leaf
