#pragma once
// The target processes of this leaf: launches, signals and ends them, and tells what happened.
//
// - Every event is posted, never told from inside perform(), and in the order it happened. The
//   exit of a generation's main process is told before SubtreeGone of that generation.
// - The news of an exit waits for nobody who holds the pipes; what the pipes hold at that moment
//   is stored first (hook `drain`).
// - A signal reaches the process it was meant for or nobody: pidfds, and groups only while their
//   leader is not reaped. (With a keeper and a kernel before 6.9 a microsecond remains between that
//   look and the signal.)
// - Children of this process that are neither targets nor helpers (orphaned descendants: this
//   process is their subreaper, with a keeper of the helpers alone) are reaped and counted.
//
// With a keeper (process_table_keeper.cpp) the keeper is the parent: it launches what is prepared
// here, and tells exits. When it dies, the targets live on: they are watched by their pidfds, and a
// new keeper is started and given them. While there is none, and of what the keeper does not
// understand, launches are direct.
//
// Loop's thread; must live until the loop has stopped. Processes outlive the table.

#include <signal.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include "leaf/adoption.h"
#include "leaf/io/exit_status.h"
#include "leaf/io/group_ender.h"
#include "leaf/io/keeper_client.h"
#include "leaf/io/keeper_start.h"
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
  GroupHooks group = {};
  // A child that is no target is dead and about to be reaped; true when it is a helper of the leaf
  // (helper_processes.h), which is then told how it ended. May be empty.
  std::function<bool(int pid)> helper_dead = {};
  std::function<void(const siginfo_t&)> helper_reaped = {};
  // This process was started by an earlier leaf, or by the program before this one, and may have
  // ended meanwhile. Told behind `output`.
  std::function<void(const TargetConfig&, std::uint64_t generation, int pid)> adopted = {};
  // With a keeper: the read end of the target's newest pipe, borrowed; -1 when it is at its end.
  std::function<int(const std::string& target, LogStream)> pipe = {};
  // With a keeper: a sentence for the leaf's own log.
  std::function<void(const std::string&)> trouble = {};
  // A dead child that another part of the leaf waits for: true when it has been reaped there.
  // May be empty.
  std::function<bool(int pid)> collected = {};
  // A stranger was reaped. May be empty.
  std::function<void(int pid)> orphan_reaped = {};
};

class ProcessTable {
 public:
  // `instance`: this leaf's own id, the same after a restart (see end_strays).
  ProcessTable(boost::asio::io_context& loop, std::string instance, ProcessHooks hooks);

  // At most once, before anything else: launches go through this keeper. `link` is connected; its
  // runs are adopted, and the exits of those that are over are told.
  void use_keeper(const KeeperPlace& place, KeeperLink link,
                  const std::vector<TargetConfig>& targets);
  // To be kept until the next leaf comes; nothing without a keeper.
  void remember(const TargetMemory& memory);
  // The last word to the keeper: everything stays, or it may end with the leaf.
  void say_goodbye();
  // The leaf is about to end: what left its control group does not stay. Blocks 3 s at most.
  void end_escaped() { group_ender_.look_now(); }
  // Another program is about to take over in this process: everything stays. Taken back when it
  // did not.
  void pause_keeper();
  void resume_keeper();

  // At most once, instead of use_keeper: these are children of this process, started by the program
  // before this one.
  void take_children(std::vector<KeptRun> children, const std::vector<TargetConfig>& targets);
  // All that happened has been told, and nothing is on its way to the keeper or from there.
  bool quiet() const;
  bool has_keeper() const { return keeper_ != nullptr; }
  struct HeldRun {
    keeper::Message told;
    int pidfd = -1;  // borrowed
  };
  // What runs, for take_children().
  std::vector<HeldRun> held();

  // A signal for a generation that is gone is ignored: its exit is on its way.
  void perform(const ProcessEffect& effect);

  // The generation whose living main process this is; an empty name when it is none.
  std::pair<std::string, std::uint64_t> owner_of(int pid) const;
  // The newest generation with a living main process: its number and pid; 0, 0 when none has.
  std::pair<std::uint64_t, int> newest(const std::string& target) const;
  int pid_of(const std::string& target, std::uint64_t generation) const;  // 0 = not running
  std::size_t running() const { return running_; }
  std::uint64_t orphans_reaped() const {
    return orphans_reaped_ + (keeper_ ? keeper_->orphans() : 0);
  }
  std::uint64_t small_pipes() const { return launcher_.small_pipes(); }

 private:
  using Key = std::pair<std::string, std::uint64_t>;
  struct Process {
    int pid = 0;
    int stop_signal = 0;
    bool reaped = false;  // kept for its session until EndSubtree or the next generation
    bool kept = false;    // the keeper tells its exit
    bool grouped() const { return (told.flags & keeper::grouped) != 0; }
    // Of one whose exit the keeper tells nobody waits: it is not woken twice.
    int number() { return watch ? watch->native_handle() : pidfd.get(); }
    void close() {
      watch.reset();
      pidfd.reset();
    }
    Descriptor pidfd;  // none once it is watched
    std::unique_ptr<boost::asio::posix::stream_descriptor> watch = {};
    keeper::Message told = {};               // what a new keeper has to know
    std::optional<SubtreeResult> gone = {};  // to be told after its exit
  };
  struct Pending {  // asked of the keeper
    TargetConfig config;
    PreparedLaunch prepared;
  };
  void launch(const Launch& effect);
  void signal(const SignalProcess& effect);
  void end_subtree(const EndSubtree& effect);
  void tell(ProcessEvent event);
  void forget_reaped(const std::string& target);
  void launch_directly(const Launch& effect);
  LaunchExtras extras_for(const TargetConfig& config, std::uint64_t generation) const;
  void add(const Key& key, const TargetConfig& config, LaunchedProcess launched);
  void wait_for_exit(const Key& key);
  // Reaps the process if it is dead; returns whether it was.
  bool collect(const Key& key, Process& process);
  void finish(const Key& key, Process& process, const ExitStatus& status);
  void subtree_ended(const Key& key, const SubtreeResult& result);
  void tell_gone(const Key& key, const SubtreeResult& result);

  // process_table_keeper.cpp
  void connect_keeper(KeeperLink link);
  void adopt(KeptRun run, const TargetConfig& config);
  void pump_launches();
  void ask_keeper(Launch effect);
  void launch_beside(const TargetConfig& config, std::uint64_t generation);
  void on_launched(const keeper::Message& message, Descriptor pidfd);
  void on_kept_exit(const keeper::Message& message);
  void on_keeper_lost();
  void replace_keeper();
  void hand_over(const Key& key, Process& process);
  void acknowledge(const Key& key);
  void send_memory(const TargetMemory& memory);
  // Its parent is neither this process nor the keeper.
  void ask_kernel_later(const Key& key, unsigned tries);
  void wait_for_children();
  void reap_children();
  Process* running_with(int pid, Key& key);

  boost::asio::io_context& loop_;
  ProcessHooks hooks_;
  Launcher launcher_;
  SubtreeEnder ender_;
  GroupEnder group_ender_;
  boost::asio::signal_set child_signals_;
  std::map<Key, Process> processes_;
  std::size_t running_ = 0;
  std::size_t untold_ = 0;  // events that are posted
  std::uint64_t orphans_reaped_ = 0;

  KeeperPlace place_;
  std::unique_ptr<KeeperClient> keeper_;  // null: launches are direct
  boost::asio::steady_timer keeper_timer_;
  std::deque<Launch> waiting_;  // one per target at most
  std::map<Key, Pending> asked_;
  std::map<std::string, TargetMemory> memories_;
};

}  // namespace banyan::leaf
