#pragma once
// All of the host that a leaf's targets live in: processes, checks, notifications, hooks, cgroups
// and logs, wired to each other. Performs the leaf's effects and tells its events, each from the
// loop, never from inside perform(). Loop's thread; must live until the loop has stopped.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "banyan/v1/handover.pb.h"
#include "common/base/result.h"
#include "leaf/io/cgroups.h"
#include "leaf/io/check_runner.h"
#include "leaf/io/gauges.h"
#include "leaf/io/helper_processes.h"
#include "leaf/io/log_store.h"
#include "leaf/io/notify_socket.h"
#include "leaf/io/process_table.h"
#include "leaf/io/spill_merge.h"
#include "leaf/io/target_hooks.h"
#include "leaf/leaf_event.h"

namespace banyan::leaf {

struct TargetHostHooks {
  std::function<void(ProcessEvent)> process;
  std::function<void(CheckEvent)> check;
  std::function<void(UsageSampled)> usage;
  std::function<void(LogEvent)> log;
  std::function<void(const std::string&)> trouble;  // a sentence for the leaf's own log
  // A dead child that another part of the leaf waits for: true when it has been reaped there.
  std::function<bool(int pid)> collected = {};
  // A stranger was reaped; how many there were in all.
  std::function<void(int pid, std::uint64_t total)> orphan_reaped = {};
};

class TargetHost {
 public:
  // `instance`: this leaf's own id, the same after a restart.
  TargetHost(boost::asio::io_context& loop, const std::string& instance,
             const std::string& state_dir, TargetHostHooks hooks);

  // Once, before anything is launched.
  Status open(const v1::Handover& handover);
  // Behind open(), with a keeper or without: what targets wrote while no leaf was there.
  MergedSpill merge_spill(const std::vector<TargetConfig>& targets);
  // Behind both, at most once: launches go through this keeper, and what it holds is adopted.
  void use_keeper(const KeeperPlace& place, KeeperLink link,
                  const std::vector<TargetConfig>& targets);
  // Behind merge_spill(), and before what follows: pipes that the program before this one in the
  // same process had open.
  void take_pipes(const v1::Handover& handover, const std::vector<TargetConfig>& targets);
  // Behind merge_spill(): closed log files may be compressed.
  void start_packing() { logs_.start_packing(); }
  // Bytes on disk of all targets' logs; 0 = no limit. Before anything else.
  void limit_logs(std::uint64_t max_disk) { logs_.set_max_disk(max_disk); }
  // What it left running, where no keeper holds it.
  void take_children(std::vector<KeptRun> children, const std::vector<TargetConfig>& targets);

  // The program of this process may be replaced now. `calm`: and no check or hook runs.
  bool may_leave(bool calm) const;
  // It is about to be; `descriptors` have to stay open. Taken back by stay().
  void leave(v1::Handover& handover, std::vector<int>& descriptors);
  void stay() { processes_.resume_keeper(); }
  // How subtrees are ended here; one line.
  const std::string& description() const { return groups_.description(); }

  // The leaf is about to end, the loop has stopped: hooks that still run get `patience`, then they
  // are killed. The last word to the keeper: everything stays, or it may end with the leaf.
  void close(Duration patience);

  void remember(const TargetMemory& memory) { processes_.remember(memory); }
  void perform(const ProcessEffect& effect) { processes_.perform(effect); }
  void perform(const CheckEffect& effect) { checks_.perform(effect); }
  void perform(const SampleUsage& effect);
  void perform(const LogEffect& effect) { logs_.perform(effect); }

 private:
  ProcessHooks process_hooks();
  void on_process(ProcessEvent event);
  void tidy_later();
  void prepare(const TargetConfig& config, std::uint64_t generation, LaunchExtras& extras);
  void adopted(const TargetConfig& config, std::uint64_t generation, int pid);
  UsageSampled sample(const SampleUsage& wish);
  void begun(const TargetConfig& config, std::uint64_t generation, Descriptor ready);

  boost::asio::io_context& loop_;
  std::string instance_;
  std::string state_dir_;
  TargetHostHooks hooks_;
  LogStore logs_;
  Cgroups groups_;
  boost::asio::steady_timer tidy_timer_;
  std::string objection_;  // the last one told
  HelperProcesses helpers_;
  CheckRunner checks_;
  TargetHooks target_hooks_;
  ProcessTable processes_;
  NotifySocket notify_;
  GaugeSampler gauges_;
  std::map<std::pair<std::string, std::uint64_t>, Descriptor> ready_pipes_;  // until adoption
};

}  // namespace banyan::leaf
