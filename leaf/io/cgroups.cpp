#include "leaf/io/cgroups.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <sstream>
#include <thread>

#include <fmt/format.h>

#include "common/io/files.h"
#include "common/io/uninterrupted.h"
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
  const auto size =
      banyan::io::uninterrupted([&] { return ::write(file.get(), text.data(), text.size()); });
  return size == static_cast<ssize_t>(text.size());
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

bool is_empty(int folder) {
  constexpr std::size_t room = 256;
  const Descriptor file(::openat(folder, "cgroup.events", O_RDONLY | O_CLOEXEC));
  char text[room];
  const auto size = file ? ::read(file.get(), text, sizeof text) : -1;
  if (size <= 0) return false;
  return std::string_view(text, static_cast<std::size_t>(size)).find("populated 0") !=
         std::string_view::npos;
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

std::string Cgroups::folder_of(const std::string& target, std::uint64_t number) const {
  return fmt::format("{}/{}.{}", folder_, target, number);
}

Cgroups::Group* Cgroups::find(const std::string& target, std::uint64_t generation) {
  const auto groups = groups_.find(target);
  if (groups == groups_.end()) return nullptr;
  for (Group& group : groups->second) {
    if (group.generation == generation) return &group;
  }
  return nullptr;
}

Cgroups::Group* Cgroups::take(const std::string& target, std::uint64_t generation, bool limited) {
  auto& groups = groups_[target];
  for (Group& group : groups) {
    if (limited || group.limited || !group.empty) continue;
    group.oom_kills = oom_kills(folder_of(target, group.number));
    return &group;
  }
  const auto folder = folder_of(target, generation);
  if (::mkdir(folder.c_str(), folder_mode) < 0 && errno != EEXIST) return nullptr;
  Descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened) return nullptr;
  Group group{generation};
  group.folder = std::move(opened);
  return &groups.emplace_back(std::move(group));
}

Descriptor Cgroups::make(const std::string& target, std::uint64_t generation,
                         const ProcessConfig& config) {
  if (!usable()) return {};
  const bool limited = config.memory_max > 0 || config.cpu_max > 0;
  Group* group = take(target, generation, limited);
  if (group == nullptr) return {};
  group->generation = generation;
  group->limited = limited;
  group->empty = false;
  group->released = false;
  if (limited) set_limits(folder_of(target, group->number), config);
  return Descriptor(::fcntl(group->folder.get(), F_DUPFD_CLOEXEC, 3));
}

// "0::/.../banyan-<instance>/<target>.<number>"
void Cgroups::adopt(const std::string& target, std::uint64_t generation, int pid) {
  if (!usable() || find(target, generation) != nullptr) return;
  const auto place = own_group_folder(text_of("/proc/self/mountinfo"),
                                      text_of(fmt::format("/proc/{}/cgroup", pid)));
  const auto beginning = folder_ + "/" + target + ".";
  if (!place.starts_with(beginning)) return;
  std::uint64_t number = 0;
  const auto* const end = place.data() + place.size();
  const auto [rest, error] = std::from_chars(place.data() + beginning.size(), end, number);
  if (error != std::errc() || rest != end) return;
  Group group{number, generation, true};
  group.folder =
      Descriptor(::open(folder_of(target, number).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  groups_[target].push_back(std::move(group));
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
  Group* group = find(target, generation);
  if (group == nullptr) return std::nullopt;
  const auto folder = folder_of(target, group->number);
  group->empty = is_empty(group->folder.get());
  if (group->empty) return 0U;
  const auto pids = pids_in(folder);
  const auto mark = target_mark(instance_, target, generation);
  const auto is_foreign = [&](int pid) {
    const auto its = process_mark(pid);
    return !its.empty() && its != mark;
  };
  if (has_groups_below(folder)) return std::nullopt;
  if (std::any_of(pids.begin(), pids.end(), is_foreign)) return std::nullopt;
  if (!write_to(folder + "/cgroup.kill", "1")) return std::nullopt;
  return static_cast<unsigned>(pids.size());
}

unsigned Cgroups::left(const std::string& target, std::uint64_t generation) {
  const Group* group = find(target, generation);
  if (group == nullptr) return 0;
  return static_cast<unsigned>(pids_in(folder_of(target, group->number)).size());
}

std::uint64_t Cgroups::oom_kills(const std::string& folder) const {
  return controllers_.contains("memory") ? oom_kills_of(text_of(folder + "/memory.events")) : 0;
}

bool Cgroups::oom_killed(const std::string& target, std::uint64_t generation) {
  const Group* group = find(target, generation);
  return group != nullptr && oom_kills(folder_of(target, group->number)) > group->oom_kills;
}

void Cgroups::release(const std::string& target, std::uint64_t generation) {
  if (Group* group = find(target, generation)) group->released = true;
}

bool Cgroups::tidy() {
  bool done = true;
  for (auto entry = groups_.begin(); entry != groups_.end();) {
    auto& [target, groups] = *entry;
    std::erase_if(groups, [&, &name = target](const Group& group) {
      if (!group.released) return false;
      const auto folder = folder_of(name, group.number);
      const bool gone = ::rmdir(folder.c_str()) == 0 || errno == ENOENT;
      done = done && gone;
      return gone;
    });
    entry = groups.empty() ? groups_.erase(entry) : std::next(entry);
  }
  return done;
}

}  // namespace banyan::leaf
