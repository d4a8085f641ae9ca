#include "leaf/io/subtree.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <thread>

#include "common/base/check.h"

namespace banyan::leaf {
namespace {

using std::chrono::steady_clock;

constexpr Duration patience = seconds{3};
constexpr Duration pause_min = milliseconds{2};
constexpr Duration pause_max = milliseconds{64};
constexpr unsigned quiet_rounds_needed = 2;

using Marked = SubtreeEnder::Marked;

std::vector<Marked> living_of(const std::vector<ProcessInfo>& processes) {
  std::vector<Marked> marked;
  for (const auto& process : processes) {
    if (!process.dead()) marked.push_back({process, process_mark(process.pid)});
  }
  return marked;
}

bool is_of(std::string_view mark, std::string_view generation) {
  if (!mark.starts_with(generation)) return false;
  mark.remove_prefix(generation.size());
  return mark.empty() || mark == check_mark_end;
}

bool leader_is_another(const SubtreeJob& job, const std::vector<Marked>& processes) {
  return job.leader_start && std::any_of(processes.begin(), processes.end(), [&](const auto& each) {
           return each.info.pid == job.leader && each.info.start != *job.leader_start;
         });
}

// `processes` lists parents before their children, so one pass finds whole branches.
std::vector<ProcessInfo> members_of(const SubtreeJob& job, const std::vector<Marked>& processes) {
  std::vector<ProcessInfo> members;
  std::set<int> pids;
  const bool has_session = job.leader != 0 && !leader_is_another(job, processes);
  for (const auto& [info, mark] : processes) {
    const bool same_session = has_session && info.session == job.leader;
    const bool kin = same_session || pids.contains(info.parent);
    if (!is_of(mark, job.mark) && !(mark.empty() && kin)) continue;
    members.push_back(info);
    pids.insert(info.pid);
  }
  return members;
}

std::set<int> self_and_ancestors() {
  std::set<int> pids;
  int pid = ::getpid();
  while (pid > 0 && pids.insert(pid).second) {
    const auto info = process_info(pid);
    pid = info ? info->parent : 0;
  }
  return pids;
}

using Look = std::function<std::vector<ProcessInfo>()>;
using IsMeant = std::function<bool(const std::string& mark)>;

SubtreeResult end_all(const Look& look, const IsMeant& is_meant) {
  const auto spared = self_and_ancestors();
  const auto deadline = steady_clock::now() + patience;
  std::set<std::pair<int, std::uint64_t>> killed;
  unsigned quiet_rounds = 0;
  unsigned left = 0;
  Duration pause = pause_min;
  while (quiet_rounds < quiet_rounds_needed && steady_clock::now() < deadline) {
    left = 0;
    for (const auto& process : look()) {
      if (process.dead() || spared.contains(process.pid)) continue;
      if (!is_meant(process_mark(process.pid))) continue;
      ++left;
      if (kill_exactly(process)) killed.emplace(process.pid, process.start);
    }
    quiet_rounds = left == 0 ? quiet_rounds + 1 : 0;
    if (left == 0) continue;
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, pause_max);
  }
  return {static_cast<unsigned>(killed.size()), left};
}

}  // namespace

SubtreeEnder::SubtreeEnder(boost::asio::io_context& loop, std::function<void()> reap)
    : reap_(std::move(reap)), timer_(loop), pause_(pause_min) {
  CHECK(::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
}

void SubtreeEnder::end(SubtreeJob job, Done done) {
  jobs_.push_back({std::move(job), std::move(done), {}, 0, steady_clock::now() + patience});
  plan(Duration::zero());
}

void SubtreeEnder::plan(Duration delay) {
  timer_.expires_after(delay);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) round();
  });
}

void SubtreeEnder::round() {
  reap_();
  const auto processes = candidates();
  std::vector<Running> jobs;
  std::vector<std::pair<Done, SubtreeResult>> ended;
  bool all_quiet = true;
  jobs.swap(jobs_);
  for (auto& running : jobs) {
    const auto members = members_of(running.job, processes);
    if (advance(running, members)) {
      const auto killed = static_cast<unsigned>(running.killed.size());
      ended.emplace_back(std::move(running.done),
                         SubtreeResult{killed, static_cast<unsigned>(members.size())});
      continue;
    }
    all_quiet = all_quiet && members.empty();
    jobs_.push_back(std::move(running));
  }
  pause_ = all_quiet ? pause_min : std::min(pause_ * 2, pause_max);
  if (!jobs_.empty()) plan(all_quiet ? Duration::zero() : pause_);
  reap_();
  for (auto& [done, result] : ended) done(result);
}

std::vector<SubtreeEnder::Marked> SubtreeEnder::candidates() const {
  const auto processes = all_processes();
  if (everywhere_) return living_of(processes);
  auto marked = living_of(descendants_of(::getpid(), processes));
  if (keeper_ == 0) return marked;
  const bool below = std::any_of(marked.begin(), marked.end(),
                                 [this](const Marked& each) { return each.info.pid == keeper_; });
  if (below) return marked;
  for (auto& each : living_of(descendants_of(keeper_, processes))) marked.push_back(each);
  return marked;
}

// A leaf among thousands on one host would else look at all of them.
SubtreeResult SubtreeEnder::end_now(const std::set<std::string>& marks) const {
  const auto look = [this] {
    std::vector<int> ancestors = {::getpid()};
    if (keeper_ != 0) ancestors.push_back(keeper_);
    auto own = everywhere_ ? std::nullopt : descendants_of(ancestors);
    return own ? *std::move(own) : all_processes();
  };
  return end_all(look, [&](const std::string& mark) { return marks.contains(mark); });
}

bool SubtreeEnder::advance(Running& running, const std::vector<ProcessInfo>& members) {
  running.quiet_rounds = members.empty() ? running.quiet_rounds + 1 : 0;
  for (const auto& process : members) {
    if (kill_exactly(process)) running.killed.emplace(process.pid, process.start);
  }
  return running.quiet_rounds >= quiet_rounds_needed || steady_clock::now() >= running.deadline;
}

// As members_of() for each job, in one pass, without the checks beside it.
std::vector<std::vector<ProcessInfo>> living_members(const std::vector<SubtreeJob>& jobs) {
  std::vector<std::vector<ProcessInfo>> members(jobs.size());
  if (jobs.empty()) return members;
  std::map<std::string_view, std::size_t> by_mark;
  std::map<int, std::size_t> by_session;
  std::map<int, std::size_t> by_pid;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    by_mark[jobs[i].mark] = i;
    if (jobs[i].leader != 0) by_session[jobs[i].leader] = i;
  }
  const auto processes = living_of(all_processes());
  const auto owner = [&](const Marked& each) -> std::optional<std::size_t> {
    if (const auto found = by_mark.find(each.mark); found != by_mark.end()) return found->second;
    if (!each.mark.empty()) return std::nullopt;
    if (const auto found = by_session.find(each.info.session); found != by_session.end()) {
      return found->second;
    }
    const auto parent = by_pid.find(each.info.parent);
    return parent == by_pid.end() ? std::nullopt : std::optional(parent->second);
  };
  for (const Marked& each : processes) {
    const auto job = owner(each);
    if (!job) continue;
    members[*job].push_back(each.info);
    by_pid[each.info.pid] = *job;
  }
  return members;
}

SubtreeResult end_strays(const std::string& instance, const std::set<std::string>& spared_marks) {
  CHECK(!instance.empty());
  return end_all(all_processes, [&](const std::string& mark) {
    return mark.starts_with(instance + "/") && !spared_marks.contains(mark);
  });
}

}  // namespace banyan::leaf
