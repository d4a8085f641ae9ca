#pragma once
// The target processes of this leaf: launches, signals and ends them, and tells what happened.
//
// - Every event is posted, never told from inside perform(), and in the order it happened. The
//   exit of a generation's main process is told before SubtreeGone of that generation.
// - The news of an exit waits for nobody who holds the pipes; what the pipes hold at that moment
//   is stored first (hook `drain`).
// - A signal reaches the process it was meant for or nobody: pidfds, and groups only while their
//   leader is not reaped.
// - Children of this process that are no targets (orphaned descendants of targets: this process is
//   their subreaper) are reaped and counted.
//
// Loop's thread; must live until the loop has stopped. Processes outlive the table.

#include <signal.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>

#include "leaf/io/launcher.h"
#include "leaf/io/subtree.h"
#include "leaf/leaf_event.h"

namespace banyan::leaf {

struct ProcessHooks {
  std::function<void(ProcessEvent)> event;
  // The two pipes of a new process.
  std::function<void(const TargetConfig&, Descriptor out, Descriptor err)> output;
  // Store what the target's pipes hold now.
  std::function<void(const std::string& target)> drain;
  // What a launch is given beside its configuration. May be empty.
  std::function<void(const TargetConfig&, std::uint64_t generation, LaunchExtras&)> prepare = {};
  // A new process runs; `ready` is its readiness pipe, if its configuration asks for one. Told
  // behind `output`. May be empty.
  std::function<void(const TargetConfig&, std::uint64_t generation, Descriptor ready)> begun = {};
  // A child that is no target is dead and about to be reaped; true when it is a helper of the leaf
  // (helper_processes.h), which is then told how it ended. May be empty.
  std::function<bool(int pid)> helper_dead = {};
  std::function<void(const siginfo_t&)> helper_reaped = {};
};

class ProcessTable {
 public:
  // `instance`: this leaf's own id, the same after a restart (see end_strays).
  ProcessTable(boost::asio::io_context& loop, std::string instance, ProcessHooks hooks);

  // A signal for a generation that is gone is ignored: its exit is on its way.
  void perform(const ProcessEffect& effect);

  // The generation whose living main process this is; an empty name when it is none.
  std::pair<std::string, std::uint64_t> owner_of(int pid) const;
  int pid_of(const std::string& target, std::uint64_t generation) const;  // 0 = not running
  std::size_t running() const { return running_; }
  std::uint64_t orphans_reaped() const { return orphans_reaped_; }
  std::uint64_t small_pipes() const { return launcher_.small_pipes(); }

 private:
  using Key = std::pair<std::string, std::uint64_t>;
  struct Process {
    int pid = 0;
    int stop_signal = 0;
    bool reaped = false;  // kept for its session until EndSubtree or the next generation
    boost::asio::posix::stream_descriptor pidfd;
  };
  void launch(const Launch& effect);
  void signal(const SignalProcess& effect);
  void end_subtree(const EndSubtree& effect);
  void tell(ProcessEvent event);
  void forget_reaped(const std::string& target);
  void wait_for_exit(const Key& key);
  // Reaps the process if it is dead; returns whether it was.
  bool collect(const Key& key, Process& process);
  void wait_for_children();
  void reap_children();
  Process* running_with(int pid, Key& key);

  boost::asio::io_context& loop_;
  ProcessHooks hooks_;
  Launcher launcher_;
  SubtreeEnder ender_;
  boost::asio::signal_set child_signals_;
  std::map<Key, Process> processes_;
  std::size_t running_ = 0;
  std::uint64_t orphans_reaped_ = 0;
};

}  // namespace banyan::leaf
