#include "tests/sim/machine.h"

#include <iterator>
#include <set>

namespace banyan::sim {

void Machine::perform(const leaf::ProcessEffect& effect) {
  if (const auto* launch = std::get_if<leaf::Launch>(&effect)) {
    const int pid = ++last_pid_;
    running_[{launch->target, launch->generation}] = pid;
    later_(random_.upto(milliseconds{3}), leaf::Launched{launch->target, launch->generation, pid});
  } else if (const auto* signal = std::get_if<leaf::SignalProcess>(&effect)) {
    const Key key{signal->target, signal->generation};
    const bool deadly = signal->signal == 9 || signal->signal == 15;
    if (deadly && running_.contains(key)) exit(key, signal->signal, random_.upto(milliseconds{30}));
  } else if (const auto* end = std::get_if<leaf::EndSubtree>(&effect)) {
    leaf::SubtreeGone gone;
    gone.target = end->target;
    gone.generation = end->generation;
    later_(random_.upto(milliseconds{5}), gone);
  }
}

void Machine::exit(const Key& key, int signal, Duration delay) {
  running_.erase(key);
  leaf::ProcessExited exited;
  exited.target = key.first;
  exited.generation = key.second;
  exited.signal = signal;
  later_(milliseconds{4} + delay, exited);  // after Launched
}

void Machine::kill_one() {
  if (running_.empty()) return;
  auto it = running_.begin();
  std::advance(it, static_cast<long>(random_.below(running_.size())));
  exit(it->first, 9, Duration{0});
}

bool Machine::doubled() const {
  std::set<std::string> seen;
  for (const auto& [key, pid] : running_) {
    if (!seen.insert(key.first).second) return true;
  }
  return false;
}

}  // namespace banyan::sim
