#include "tests/sim/machine.h"

#include <iterator>

#include <fmt/format.h>

namespace banyan::sim {
namespace {

constexpr int try_again = 11;  // EAGAIN

bool is_deadly(int signal) { return signal == 9 || signal == 15; }

}  // namespace

void Machine::launch(const leaf::Launch& launch) {
  if (forks_fail_) {
    leaf::LaunchFailed failed{launch.target, launch.generation, try_again, "fork (EAGAIN)"};
    return later_(random_.upto(milliseconds{3}), failed);
  }
  for (const auto& [key, pid] : running_) {
    if (key.first != launch.target) continue;
    wrong_ += fmt::format("{}: runs twice, generations {} and {}\n", launch.target, key.second,
                          launch.generation);
  }
  const int pid = ++last_pid_;
  running_[{launch.target, launch.generation}] = pid;
  later_(random_.upto(milliseconds{3}), leaf::Launched{launch.target, launch.generation, pid});
}

void Machine::perform(const leaf::ProcessEffect& effect, Time world) {
  if (const auto* start = std::get_if<leaf::Launch>(&effect)) {
    launch(*start);
  } else if (const auto* signal = std::get_if<leaf::SignalProcess>(&effect)) {
    const Key key{signal->target, signal->generation};
    const bool dying = ended_.contains(key);  // a signal to it still finds a process
    if (!running_.contains(key) && !dying) return;
    signalled_.push_back({signal->target, signal->generation, signal->signal, world});
    if (is_deadly(signal->signal) && !dying)
      exit(key, signal->signal, random_.upto(milliseconds{30}));
  } else if (const auto* end = std::get_if<leaf::EndSubtree>(&effect)) {
    leaf::SubtreeGone gone;
    gone.target = end->target;
    gone.generation = end->generation;
    gone.killed = static_cast<unsigned>(running_.erase({end->target, end->generation}));
    later_(random_.upto(milliseconds{5}), gone);
  }
}

void Machine::exit(const Key& key, int signal, Duration delay) {
  running_.erase(key);
  leaf::ProcessExited exited;
  exited.target = key.first;
  exited.generation = key.second;
  exited.signal = signal;
  ended_[key] = exited;
  if (leaf_runs_) later_(milliseconds{4} + delay, exited);  // after Launched
}

void Machine::kill_one() {
  if (running_.empty()) return;
  auto it = running_.begin();
  std::advance(it, static_cast<long>(random_.below(running_.size())));
  exit(it->first, 9, Duration{0});
}

// Of each target the newest run alone: what ended before it was told to an earlier leaf.
leaf::Legacy Machine::legacy(Time own) {
  leaf_runs_ = true;
  std::map<std::string, leaf::AdoptedRun> newest;
  for (const auto& [key, exited] : ended_) {
    newest[key.first] = {key.first, key.second, 1, own, false};
  }
  for (const auto& [key, pid] : running_) newest[key.first] = {key.first, key.second, pid, own};
  leaf::Legacy legacy;
  for (auto& [target, run] : newest) legacy.runs.push_back(std::move(run));
  for (const auto& [target, memory] : memories_) legacy.memories.push_back(memory);
  std::erase_if(ended_, [&](const auto& each) {
    return newest.at(each.first.first).generation != each.first.second;
  });
  return legacy;
}

void Machine::tell_ended() {
  for (const auto& [key, exited] : ended_) later_(milliseconds{1}, exited);
}

void Machine::end_all() {
  running_.clear();
  ended_.clear();
  memories_.clear();
  leaf_runs_ = false;
}

}  // namespace banyan::sim
