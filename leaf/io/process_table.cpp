#include "leaf/io/process_table.h"

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include <boost/asio/post.hpp>

#include "common/io/clock.h"

namespace banyan::leaf {
namespace {

using boost::system::error_code;

bool wait_now(idtype_t type, id_t id, int options, siginfo_t& info) {
  info = {};
  while (::waitid(type, id, &info, options | WEXITED | WNOHANG) < 0) {
    if (errno != EINTR) return false;
  }
  return info.si_pid != 0;
}

// Not reaped, by whomever: its pid, group and session are nobody else's.
bool holds_pid(int pidfd) {
  return ::syscall(SYS_pidfd_send_signal, pidfd, 0, nullptr, 0) == 0 || errno == EPERM;
}

// `group`: its leader's pid; 0 = to the process alone. A kernel before 6.9 does not know groups by
// pidfd: there a microsecond is left between the look and the signal.
void send_signal(int pidfd, int group, int number) {
  constexpr unsigned to_group = 1U << 2;  // PIDFD_SIGNAL_PROCESS_GROUP
  const unsigned flags = group == 0 ? 0 : to_group;
  const long sent = ::syscall(SYS_pidfd_send_signal, pidfd, number, nullptr, flags);
  if (sent == 0 || group == 0 || errno != EINVAL) return;
  if (holds_pid(pidfd)) ::kill(-group, number);
}

}  // namespace

ProcessTable::ProcessTable(boost::asio::io_context& loop, std::string instance, ProcessHooks hooks)
    : loop_(loop),
      hooks_(std::move(hooks)),
      launcher_(std::move(instance)),
      ender_(loop, [this] { reap_children(); }),
      group_ender_(loop, ender_, hooks_.group,
                   [this](const std::string& text) {
                     if (hooks_.trouble) hooks_.trouble(text);
                   }),
      child_signals_(loop, SIGCHLD),
      keeper_timer_(loop) {
  wait_for_children();
}

void ProcessTable::perform(const ProcessEffect& effect) {
  if (const auto* start = std::get_if<Launch>(&effect)) launch(*start);
  if (const auto* signalled = std::get_if<SignalProcess>(&effect)) signal(*signalled);
  if (const auto* end = std::get_if<EndSubtree>(&effect)) end_subtree(*end);
}

void ProcessTable::tell(ProcessEvent event) {
  ++untold_;
  boost::asio::post(loop_, [this, event = std::move(event)]() mutable {
    --untold_;
    hooks_.event(std::move(event));
  });
}

void ProcessTable::launch(const Launch& effect) {
  forget_reaped(effect.target);
  if (!keeper_) return launch_directly(effect);
  waiting_.push_back(effect);
  pump_launches();
}

void ProcessTable::launch_directly(const Launch& effect) {
  TargetConfig config = effect.config;
  config.name = effect.target;
  auto launched =
      launcher_.launch(config, effect.generation, extras_for(config, effect.generation));
  if (!launched) {
    tell(LaunchFailed{effect.target, effect.generation, launched.error().error_number,
                      launched.error().text});
    return;
  }
  const Key key{effect.target, effect.generation};
  add(key, config, *std::move(launched));
  wait_for_exit(key);
}

LaunchExtras ProcessTable::extras_for(const TargetConfig& config, std::uint64_t generation) const {
  LaunchExtras extras;
  const CheckConfig& ready = config.ready.check;
  if (ready.kind == CheckKind::fd) extras.ready_number = ready.fd;
  if (hooks_.prepare) hooks_.prepare(config, generation, extras);
  return extras;
}

void ProcessTable::add(const Key& key, const TargetConfig& config, LaunchedProcess launched) {
  Process process{launched.pid, config.stop_signal, false, false, std::move(launched.pidfd)};
  keeper::set_target(process.told, key.first.data(), key.first.size());
  process.told.generation = key.second;
  process.told.pid = launched.pid;
  process.told.hash = launch_hash(config);
  process.told.started_ns = banyan::io::read_clock().time.time_since_epoch().count();
  if (config.on_agent_death == AgentDeath::kill) process.told.flags = keeper::end_with_agent;
  if (launched.grouped) process.told.flags |= keeper::grouped;
  processes_.insert_or_assign(key, std::move(process));
  ++running_;
  hooks_.output(config, std::move(launched.stdout_fd), std::move(launched.stderr_fd));
  if (hooks_.begun) hooks_.begun(config, key.second, std::move(launched.ready_fd));
  tell(Launched{key.first, key.second, launched.pid});
}

void ProcessTable::forget_reaped(const std::string& target) {
  auto entry = processes_.lower_bound({target, 0});
  while (entry != processes_.end() && entry->first.first == target) {
    entry = entry->second.reaped ? processes_.erase(entry) : std::next(entry);
  }
}

void ProcessTable::signal(const SignalProcess& effect) {
  const auto entry = processes_.find({effect.target, effect.generation});
  if (entry == processes_.end() || entry->second.reaped) return;
  Process& process = entry->second;
  // A failure means that it is dead already, or that it became another user: then KILL by
  // EndSubtree reports it as unkillable.
  send_signal(process.number(), effect.group ? process.pid : 0, effect.signal);
  // A stopped process would not notice that it shall end.
  const bool resume =
      effect.resume || effect.signal == SIGTERM || effect.signal == process.stop_signal;
  if (resume) send_signal(process.number(), effect.group ? process.pid : 0, SIGCONT);
}

void ProcessTable::end_subtree(const EndSubtree& effect) {
  const Key key{effect.target, effect.generation};
  const auto entry = processes_.find(key);
  const auto mark = target_mark(launcher_.instance(), effect.target, effect.generation);
  const auto done = [this, key](const SubtreeResult& result) { subtree_ended(key, result); };
  if (entry == processes_.end()) return ender_.end({mark}, done);
  Process& process = entry->second;
  if (process.grouped() && group_ender_.end({key.first, key.second, mark}, done)) return;
  const auto info = process_info(process.pid);
  const bool is_it = info && holds_pid(process.number());
  ender_.end({mark, process.pid, is_it ? info->start : 0}, done);
}

void ProcessTable::subtree_ended(const Key& key, const SubtreeResult& result) {
  const auto ended = processes_.find(key);
  const bool exit_is_due = ended != processes_.end() && !ended->second.reaped;
  // Dead for all the world to see, but its parent has not said so yet.
  if (exit_is_due && result.unkillable == 0) {
    ended->second.gone = result;
  } else {
    tell_gone(key, result);
  }
}

void ProcessTable::tell_gone(const Key& key, const SubtreeResult& result) {
  const auto ended = processes_.find(key);
  if (ended != processes_.end() && ended->second.reaped) processes_.erase(ended);
  if (hooks_.group.gone) hooks_.group.gone(key.first, key.second);
  tell(SubtreeGone{key.first, key.second, result.killed, result.unkillable});
}

void ProcessTable::wait_for_exit(const Key& key) {
  const auto entry = processes_.find(key);
  if (entry == processes_.end() || entry->second.reaped || entry->second.kept) return;
  const auto wait = boost::asio::posix::stream_descriptor::wait_read;
  auto& watch = entry->second.watch;
  if (!watch) {
    watch = std::make_unique<boost::asio::posix::stream_descriptor>(loop_,
                                                                    entry->second.pidfd.release());
  }
  watch->async_wait(wait, [this, key](const error_code& error) {
    if (error == boost::asio::error::operation_aborted) return;
    const auto woken = processes_.find(key);
    if (woken == processes_.end() || woken->second.reaped || woken->second.kept) return;
    // The wait can end although the process lives: then wait again.
    if (!collect(key, woken->second)) wait_for_exit(key);
  });
}

bool ProcessTable::collect(const Key& key, Process& process) {
  ExitStatus status;
  switch (reap(process.number(), status)) {
    case ExitAnswer::alive:
      return false;
    case ExitAnswer::over:
      finish(key, process, status);
      return true;
    case ExitAnswer::no_answer:
      break;
  }
  ask_kernel_later(key, 0);
  return true;
}

void ProcessTable::finish(const Key& key, Process& process, const ExitStatus& status) {
  process.reaped = true;
  process.close();
  --running_;
  hooks_.drain(key.first);
  ProcessExited exited{key.first, key.second, status.code, status.signal, status.core};
  exited.unknown = !status.known;
  exited.oom = hooks_.group.oom_killed && hooks_.group.oom_killed(key.first, key.second);
  exited.user_ms = status.user_ms;
  exited.system_ms = status.system_ms;
  exited.max_rss_bytes = status.max_rss_bytes;
  if (process.told.ended_ms != 0) exited.at = wall_from_ms(process.told.ended_ms);
  tell(std::move(exited));
  if (keeper_) boost::asio::post(loop_, [this, key] { acknowledge(key); });
  if (const auto gone = std::exchange(process.gone, {})) tell_gone(key, *gone);
}

void ProcessTable::wait_for_children() {
  child_signals_.async_wait([this](const error_code& error, int) {
    if (error) return;
    reap_children();
    wait_for_children();
  });
}

// One look at a time, without reaping: a target's own death must go through collect().
void ProcessTable::reap_children() {
  siginfo_t info;
  while (wait_now(P_ALL, 0, WNOWAIT, info)) {
    Key key;
    if (Process* process = running_with(info.si_pid, key)) {
      if (!collect(key, *process)) return;
      continue;
    }
    if (hooks_.collected && hooks_.collected(info.si_pid)) continue;
    const bool helper = hooks_.helper_dead && hooks_.helper_dead(info.si_pid);
    if (!wait_now(P_PID, static_cast<id_t>(info.si_pid), 0, info)) return;
    if (helper) {
      hooks_.helper_reaped(info);
      continue;
    }
    ++orphans_reaped_;
    if (hooks_.orphan_reaped) hooks_.orphan_reaped(info.si_pid);
  }
}

std::pair<std::string, std::uint64_t> ProcessTable::owner_of(int pid) const {
  for (const auto& [key, process] : processes_) {
    if (!process.reaped && process.pid == pid) return key;
  }
  return {};
}

std::pair<std::uint64_t, int> ProcessTable::newest(const std::string& target) const {
  std::pair<std::uint64_t, int> found{0, 0};
  auto entry = processes_.lower_bound({target, 0});
  for (; entry != processes_.end() && entry->first.first == target; ++entry) {
    if (!entry->second.reaped) found = {entry->first.second, entry->second.pid};
  }
  return found;
}

int ProcessTable::pid_of(const std::string& target, std::uint64_t generation) const {
  const auto entry = processes_.find({target, generation});
  return entry == processes_.end() || entry->second.reaped ? 0 : entry->second.pid;
}

ProcessTable::Process* ProcessTable::running_with(int pid, Key& key) {
  for (auto& [candidate, process] : processes_) {
    if (process.reaped || process.kept || process.pid != pid) continue;
    key = candidate;
    return &process;
  }
  return nullptr;
}

}  // namespace banyan::leaf
