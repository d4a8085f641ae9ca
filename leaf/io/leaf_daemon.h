#pragma once
// The running leaf: the role, its links, its host of targets and its own API, on one loop.
//
//     LeafDaemon daemon(setting);
//     daemon.open(...); daemon.take_over(...) or daemon.take_children(...);
//     return daemon.run(...);
//
// Signals: HUP reads the targets anew, USR2 replaces the program (upgrade.h), TERM and INT leave.
// Under `run` they concern the one target instead (only_target.h). Main thread.

#include <string>
#include <vector>

#include "common/io/daemon.h"
#include "common/io/http_server.h"
#include "common/io/link_performer.h"
#include "common/io/logger.h"
#include "common/io/loop.h"
#include "common/io/parent_link.h"
#include "common/io/spool_files.h"
#include "common/io/state_dir.h"
#include "common/io/upgrade.h"
#include "leaf/io/marks_file.h"
#include "leaf/io/only_target.h"
#include "leaf/io/target_host.h"
#include "leaf/io/wanted_file.h"
#include "leaf/leaf.h"

namespace banyan::leaf {

class LeafDaemon {
 public:
  struct Setting {
    LeafOptions leaf;
    banyan::io::SpoolFiles& spool;
    const tree::Identity& identity;
    const banyan::io::StateDir& state_dir;
    banyan::io::DaemonOptions options;
    std::string replaced;  // the version that ran before in this process; empty = none did
  };
  explicit LeafDaemon(Setting setting);

  // Bytes on disk of all targets' logs; 0 = no limit. Before open().
  void limit_logs(std::uint64_t max_disk) { host_.limit_logs(max_disk); }
  // With what the program before this one in the same process left; and what targets wrote while
  // no leaf was there.
  Status open(const v1::Handover& handover, const std::vector<TargetConfig>& targets);
  // Behind open(): what runs already.
  void take_over(const KeeperPlace& place, KeeperLink link,
                 const std::vector<TargetConfig>& targets);
  // Likewise without a keeper.
  void take_children(std::vector<KeptRun> children, const std::vector<TargetConfig>& targets);
  // Ends with this target, and with its exit code.
  void run_only(const TargetConfig& target, const std::map<int, int>& rewrite);

  // Until the end; the exit code.
  int run(std::size_t targets);

 private:
  template <class Event>
  void turn(Event event, Now now);
  void on_process(const ProcessEvent& event, Now now);
  void end_when_over(Now now, LeafEffects& effects);
  void perform_processes(LeafEffects& effects);
  void keep_marks(LeafEffects& effects);
  void perform(LeafEffects& effects);
  void note(const tree::OwnEvent& event);
  void warn(const std::string& text);  // nothing when it is empty
  void serve();
  TargetHostHooks host_hooks();
  banyan::io::Upgrade::Hooks upgrade_hooks();
  banyan::io::Upgrade::Legacy leave();
  void stay(const std::string& why);
  void reload();
  void change(std::vector<TargetConfig> targets);
  void stop();
  void on_signal(int number);
  std::string introduction(std::size_t targets) const;

  banyan::io::DaemonOptions options_;
  tree::NodeConfig config_;
  std::string replaced_;
  int lock_;  // descriptor
  banyan::io::Logger logger_;
  Leaf leaf_;
  WantedFile wanted_;
  MarksFile marks_;
  banyan::io::SpoolFiles& spool_;
  banyan::io::Loop loop_;
  banyan::io::ParentLink parent_;
  banyan::io::LinkPerformer performer_;
  TargetHost host_;
  banyan::io::HttpServer http_;
  banyan::io::Upgrade upgrade_;
  bool leaving_ = false;
  MergedSpill merged_;
  std::string found_;  // for the log: what was taken over
  OnlyTarget only_;
  bool over_ = false;  // the only target has ended for good
};

}  // namespace banyan::leaf
