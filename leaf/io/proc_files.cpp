#include "leaf/io/proc_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <string_view>

#include <fmt/format.h>

#include "common/io/uninterrupted.h"
#include "leaf/io/descriptor.h"

namespace banyan::leaf {
namespace {

constexpr std::string_view mark_name = "BANYAN_TARGET=";
constexpr std::size_t stat_bytes = 1024;
constexpr std::size_t environment_bytes_max = 1 << 20;
constexpr std::size_t environment_block = 32 << 10;

template <class Number>
Number number_of(std::string_view text) {
  Number value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string_view next_word(std::string_view& text) {
  const auto space = text.find(' ');
  const auto word = text.substr(0, space);
  text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
  return word;
}

// "pid (name) state parent group session ...": the name may hold spaces and parentheses. The
// number of threads is field 20, the start time field 22.
std::optional<ProcessInfo> parse_stat(int pid, std::string_view text) {
  constexpr int fields_after_session = 13;
  const auto name_end = text.rfind(')');
  if (name_end == std::string_view::npos || name_end + 2 >= text.size()) return std::nullopt;
  text.remove_prefix(name_end + 2);
  ProcessInfo info;
  info.pid = pid;
  info.state = next_word(text).front();
  info.parent = number_of<int>(next_word(text));
  next_word(text);
  info.session = number_of<int>(next_word(text));
  for (int field = 0; field < fields_after_session; ++field) next_word(text);
  info.threads = number_of<int>(next_word(text));
  next_word(text);
  info.start = number_of<std::uint64_t>(next_word(text));
  return info;
}

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

// Nothing: there is no environment to be seen here, not even an empty one.
std::optional<std::string> mark_in(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return std::nullopt;
  std::string text(1, '\0');  // so that every entry, the first too, follows a NUL
  while (text.size() < environment_bytes_max) {
    const auto old_size = text.size();
    text.resize(old_size + environment_block);
    const auto size = banyan::io::uninterrupted(
        [&] { return ::read(file.get(), text.data() + old_size, environment_block); });
    text.resize(old_size + static_cast<std::size_t>(size > 0 ? size : 0));
    if (size <= 0) break;
  }
  if (text.size() == 1) return std::nullopt;
  const auto entry = text.find(std::string(1, '\0').append(mark_name));
  if (entry == std::string::npos) return std::string();
  const auto begin = entry + 1 + mark_name.size();
  return text.substr(begin, text.find('\0', begin) - begin);
}

}  // namespace

std::optional<ProcessInfo> process_info(int pid) {
  const auto path = fmt::format("/proc/{}/stat", pid);
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return std::nullopt;
  char buffer[stat_bytes];
  const auto size =
      banyan::io::uninterrupted([&] { return ::read(file.get(), buffer, sizeof buffer); });
  if (size <= 0) return std::nullopt;
  return parse_stat(pid, {buffer, static_cast<std::size_t>(size)});
}

std::vector<ProcessInfo> all_processes() {
  std::vector<ProcessInfo> processes;
  const std::unique_ptr<DIR, CloseFolder> folder(::opendir("/proc"));
  if (!folder) return processes;
  while (const dirent* entry = ::readdir(folder.get())) {
    const int pid = number_of<int>(entry->d_name);
    if (pid <= 0) continue;
    if (const auto info = process_info(pid)) processes.push_back(*info);
  }
  return processes;
}

std::vector<ProcessInfo> descendants_of(int ancestor, const std::vector<ProcessInfo>& processes) {
  std::multimap<int, const ProcessInfo*> children;
  for (const auto& process : processes) children.emplace(process.parent, &process);
  std::vector<ProcessInfo> found;
  std::set<int> seen = {ancestor};
  std::vector<int> open = {ancestor};
  while (!open.empty()) {
    const auto [first, last] = children.equal_range(open.back());
    open.pop_back();
    for (auto child = first; child != last; ++child) {
      if (!seen.insert(child->second->pid).second) continue;
      found.push_back(*child->second);
      open.push_back(child->second->pid);
    }
  }
  return found;
}

namespace {

// Of all its threads. False when there is no list.
bool add_children(int pid, std::vector<int>& children) {
  const auto folder = fmt::format("/proc/{}/task/", pid);
  const std::unique_ptr<DIR, CloseFolder> threads(::opendir(folder.c_str()));
  if (!threads) return false;
  bool listed = false;
  while (const dirent* entry = ::readdir(threads.get())) {
    if (number_of<int>(entry->d_name) <= 0) continue;
    std::ifstream list(folder + entry->d_name + "/children");
    listed = listed || list.is_open();
    for (int child = 0; list >> child;) children.push_back(child);
  }
  return listed;
}

}  // namespace

std::optional<std::vector<ProcessInfo>> descendants_of(const std::vector<int>& ancestors) {
  std::vector<ProcessInfo> found;
  std::set<int> seen(ancestors.begin(), ancestors.end());
  std::vector<int> open;
  for (const int ancestor : ancestors) {
    const bool there = process_info(ancestor).has_value();
    if (there && !add_children(ancestor, open)) return std::nullopt;
  }
  while (!open.empty()) {
    const int pid = open.back();
    open.pop_back();
    if (!seen.insert(pid).second) continue;
    if (const auto info = process_info(pid)) found.push_back(*info);
    add_children(pid, open);
  }
  return found;
}

std::string process_mark(int pid) {
  const auto folder = fmt::format("/proc/{}/", pid);
  auto mark = mark_in(folder + "environ");
  if (mark) return *std::move(mark);
  const auto info = process_info(pid);
  if (!info || info->state != 'Z') return {};
  // The first thread has ended, and its view of the memory with it.
  const std::unique_ptr<DIR, CloseFolder> threads(::opendir((folder + "task").c_str()));
  if (!threads) return {};
  while (const dirent* entry = ::readdir(threads.get())) {
    mark = mark_in(folder + "task/" + entry->d_name + "/environ");
    if (mark) return *std::move(mark);
  }
  return {};
}

bool kill_exactly(const ProcessInfo& process) {
  const Descriptor pidfd(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
  if (!pidfd) return false;
  const auto current = process_info(process.pid);
  if (!current || current->start != process.start) return false;
  return ::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0) == 0;
}

}  // namespace banyan::leaf
