#pragma once
// The processes of one simulated host: launched, signalled and ended with delays, dying now and
// then by themselves. They end with their leaf's host only, not with the leaf (as after kill -9).

#include <functional>
#include <map>
#include <string>

#include "common/base/random.h"
#include "leaf/leaf_event.h"

namespace banyan::sim {

class Machine {
 public:
  using Later = std::function<void(Duration, leaf::ProcessEvent)>;

  // `later`: hands the event to the leaf after the delay, if it is still the same run of it.
  Machine(std::uint64_t seed, Later later) : random_(seed), later_(std::move(later)) {}

  void perform(const leaf::ProcessEffect& effect);
  // Ends one running process, if there is one: what happens to programs.
  void kill_one();
  // A new run of the leaf ends what the earlier one left.
  void end_all() { running_.clear(); }

  std::size_t running() const { return running_.size(); }
  bool doubled() const;  // two processes of one target

 private:
  using Key = std::pair<std::string, std::uint64_t>;
  void exit(const Key& key, int signal, Duration delay);

  Random random_;
  Later later_;
  std::map<Key, int> running_;  // -> pid
  int last_pid_ = 100;
};

}  // namespace banyan::sim
