#include "leaf/io/gauges.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "common/io/uninterrupted.h"
#include "leaf/io/descriptor.h"

namespace banyan::leaf {
namespace {

std::optional<StatNumbers> numbers_of(int pid) {
  const auto path = fmt::format("/proc/{}/stat", pid);
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  char buffer[1024];
  const auto size =
      banyan::io::uninterrupted([&] { return ::read(file.get(), buffer, sizeof buffer); });
  if (size <= 0) return std::nullopt;
  return parse_stat_numbers({buffer, static_cast<std::size_t>(size)});
}

unsigned open_fds_of(int pid) {
  DIR* folder = ::opendir(fmt::format("/proc/{}/fd", pid).c_str());
  if (folder == nullptr) return 0;
  unsigned count = 0;
  while (const dirent* entry = ::readdir(folder)) count += entry->d_name[0] != '.' ? 1 : 0;
  ::closedir(folder);
  return count;
}

double seconds_of(Duration time) { return std::chrono::duration<double>(time).count(); }

Duration time_of(std::uint64_t ticks) {
  static const auto per_second = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  return seconds{ticks / per_second} +
         Duration{seconds{ticks % per_second}} / static_cast<std::int64_t>(per_second);
}

}  // namespace

// Behind the name: state is field 3, utime 14, stime 15, starttime 22, rss 24.
std::optional<StatNumbers> parse_stat_numbers(std::string_view text) {
  constexpr unsigned first = 3, utime = 14, stime = 15, start = 22, rss = 24;
  const auto name_end = text.rfind(')');
  if (name_end == std::string_view::npos) return std::nullopt;
  text.remove_prefix(name_end + 1);
  StatNumbers numbers;
  for (unsigned field = first; field <= rss; ++field) {
    const auto begin = text.find_first_not_of(' ');
    if (begin == std::string_view::npos) return std::nullopt;
    text.remove_prefix(begin);
    const auto word = text.substr(0, text.find_first_of(" \n"));
    text.remove_prefix(word.size());
    std::uint64_t value = 0;
    std::from_chars(word.data(), word.data() + word.size(), value);
    if (field == utime || field == stime) numbers.cpu_ticks += value;
    if (field == start) numbers.start_ticks = value;
    if (field == rss) numbers.rss_pages = value;
  }
  return numbers;
}

std::optional<Gauges> GaugeSampler::sample(const std::string& target, const SubtreeJob& job,
                                           Time now) {
  static const auto page_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const auto leader = numbers_of(job.leader);
  if (!leader) {
    forget(target);
    return std::nullopt;
  }
  Gauges gauges;
  gauges.uptime = now.time_since_epoch() - time_of(leader->start_ticks);
  Last next{now, {}};
  const auto last = last_.find(target);
  std::uint64_t used = 0;
  for (const auto& process : living_members(job)) {
    const auto numbers = numbers_of(process.pid);
    if (!numbers) continue;
    const ProcessKey key{process.pid, numbers->start_ticks};
    next.cpu_ticks[key] = numbers->cpu_ticks;
    std::uint64_t before = 0;
    if (last != last_.end() && last->second.cpu_ticks.contains(key)) {
      before = last->second.cpu_ticks.at(key);
    }
    used += numbers->cpu_ticks - std::min(before, numbers->cpu_ticks);
    gauges.rss_bytes += numbers->rss_pages * page_bytes;
    gauges.open_fds += open_fds_of(process.pid);
    ++gauges.processes;
  }
  const auto span = last == last_.end() ? gauges.uptime : now - last->second.at;
  if (span > Duration::zero()) gauges.cpu = seconds_of(time_of(used)) / seconds_of(span);
  last_[target] = std::move(next);
  return gauges;
}

}  // namespace banyan::leaf
