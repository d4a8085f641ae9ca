#pragma once
// The processes of one simulated host: launched, signalled and ended with delays, dying now and
// then by themselves. They outlive their leaf; the next one finds them (as with a keeper), and only
// the end of the host ends them.

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "common/base/random.h"
#include "leaf/adoption.h"
#include "leaf/leaf_event.h"

namespace banyan::sim {

// A signal that reached a process, for the question what really ran.
struct Signalled {
  std::string target;
  std::uint64_t generation = 0;
  int signal = 0;
  Time at{};  // of the world
};

class Machine {
 public:
  using Later = std::function<void(Duration, leaf::ProcessEvent)>;

  // `later`: hands the event to the leaf after the delay, if it is still the same run of it.
  Machine(std::uint64_t seed, Later later) : random_(seed), later_(std::move(later)) {}

  void perform(const leaf::ProcessEffect& effect, Time world);
  void remember(const leaf::TargetMemory& memory) { memories_[memory.target] = memory; }
  // Ends one running process, if there is one: what happens to programs.
  void kill_one();
  void set_forks_failing(bool failing) { forks_fail_ = failing; }

  // The leaf is gone: what ends from now on is kept for the next one.
  void leaf_gone() { leaf_runs_ = false; }
  // What a starting leaf finds; to be followed by tell_ended() once it runs.
  leaf::Legacy legacy(Time own);
  void tell_ended();
  void told(const leaf::ProcessExited& exited) { ended_.erase({exited.target, exited.generation}); }
  // The host is gone, with everything that ran and was remembered in it.
  void end_all();

  std::size_t running() const { return running_.size(); }
  const std::vector<Signalled>& signalled() const { return signalled_; }
  // What must never be: lines, empty = right.
  const std::string& wrong() const { return wrong_; }

 private:
  using Key = std::pair<std::string, std::uint64_t>;
  void launch(const leaf::Launch& launch);
  void exit(const Key& key, int signal, Duration delay);

  Random random_;
  Later later_;
  std::map<Key, int> running_;  // -> pid
  std::map<Key, leaf::ProcessExited> ended_;
  std::map<std::string, leaf::TargetMemory> memories_;
  std::vector<Signalled> signalled_;
  std::string wrong_;
  bool forks_fail_ = false;
  bool leaf_runs_ = true;
  int last_pid_ = 100;
};

}  // namespace banyan::sim
