#pragma once
// A leaf: launches, watches, restarts and logs the targets of one host, and tells its parent.
// Leaf = Uplink + Supervisor + LogBook (streams of it), with a Mirror of its own facts alone. It
// serves them by an Api as the root serves the whole: requests from there and from above share one
// journal.
// Pure: driven by leaf/main.cpp or by the simulated world. Single threaded.

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/tree/event_outbox.h"
#include "common/tree/node_config.h"
#include "common/tree/uplink.h"
#include "common/view/local_api.h"
#include "leaf/command_gate.h"
#include "leaf/gauge_desk.h"
#include "leaf/instance_groups.h"
#include "leaf/log_streams.h"
#include "leaf/request_journal.h"
#include "leaf/scaling.h"
#include "leaf/supervisor.h"

namespace banyan {

struct LeafOptions {
  tree::NodeConfig node;
  std::vector<leaf::TargetConfig> targets;  // of the file
  leaf::ScaledGroups scaled;                // in this boot of the host
  std::map<std::string, bool> remembered;   // wanted before this run, in this boot of the host
  leaf::Legacy legacy;
  leaf::AllowPolicy allow;
  tree::CommandMarks command_marks;  // of earlier runs
  std::int64_t log_tail = -1;        // `bufsize`
  std::uint64_t seed = 0;
  std::vector<v1::HeldEvents> spooled;  // what earlier runs left on the disk, oldest first
  v1::Handover
      handover;  // of the program before this one in the same process; empty = there is none
};

// To be kept over a restart of the agent (not over one of the host).
struct KeepWanted {
  std::map<std::string, bool> wanted;
  leaf::ScaledGroups scaled;
};

// Whether the last `marks` are on the disk.
struct MarksKept {
  std::string trouble;  // why not; "" = they are
};

// Performed in this order: marks, spool, memories, processes, checks, samples, logs, wanted, links,
// http. But the processes of act() and act_stop() go before all that tell() adds: a leaf that is
// killed between the two has launched a run and not told the end of the one before. So whoever told
// the leaf that end forgets it only once the spool is written, and else tells the next leaf
// (Legacy::ended). What came of `marks` is handled (MarksKept) with these same effects, before
// anything else of them is performed: the commands that they stand for wait for it.
struct LeafEffects {
  tree::SpoolEffects spool;
  tree::LinkEffects links;
  std::vector<leaf::ProcessEffect> processes;
  std::vector<tree::CommandMarks> marks;  // to be kept over any restart; the last one holds
  std::vector<leaf::TargetMemory> memories;
  std::vector<leaf::CheckEffect> checks;
  std::vector<leaf::SampleUsage> samples;
  std::vector<leaf::LogEffect> logs;
  std::vector<KeepWanted> wanted;  // the last one holds
  std::vector<tree::HttpEffect> http;
};

class Leaf {
 public:
  Leaf(LeafOptions options, const tree::Identity& identity);

  void start(Now now, LeafEffects& effects);
  void handle(const tree::LinkEvent& event, Now now, LeafEffects& effects);
  void handle(const leaf::ProcessEvent& event, Now now, LeafEffects& effects);
  // The same in two steps, with nothing between them: first what is to be done (`processes` alone),
  // so that nobody waits for it until what is to be told has been put into words.
  void act(const leaf::ProcessEvent& event, Now now, LeafEffects& effects);
  void tell(Now now, LeafEffects& effects);
  void handle(const leaf::CheckEvent& event, Now now, LeafEffects& effects);
  void handle(const leaf::UsageSampled& sampled, Now now, LeafEffects& effects);
  void handle(leaf::LogEvent event, Now now, LeafEffects& effects);
  void handle(const tree::HttpEvent& event, Now now, LeafEffects& effects);
  void handle(const MarksKept& kept, Now now, LeafEffects& effects);
  // Something happened to this node that is to be told.
  void note(const tree::OwnEvent& event, Now now, LeafEffects& effects);
  // A configuration read anew, without problems: its targets hold from now on.
  void reload(std::vector<leaf::TargetConfig> targets, Now now, LeafEffects& effects);
  void allow(leaf::AllowPolicy policy) { gate_.allow(std::move(policy)); }
  // Stops the targets (unless keep_targets), says goodbye, exits. A second call exits at once.
  void stop(Now now, LeafEffects& effects);
  // Likewise in two steps; tell() is the second.
  void act_stop(Now now, LeafEffects& effects);
  Time next_deadline() const;

  // Nothing is being launched or stopped, and nobody waits for an outcome.
  bool settled() const { return supervisor_.settled() && journal_.idle(); }
  // What the program that replaces this one in the same process has to know.
  void hold(v1::Handover& handover) const;
  // Of this run, for the spool on the disk.
  const tree::EventOutbox& events() const { return events_; }

  const tree::Mirror& mirror() const { return mirror_; }
  const tree::Uplink& uplink() const { return uplink_; }
  const leaf::Supervisor& supervisor() const { return supervisor_; }
  const leaf::LogStreams& streams() const { return streams_; }

 private:
  void finish(tree::Turn& turn, LeafEffects& effects);
  bool serve(tree::Turn& turn, LeafEffects& effects);
  void tell_event(v1::Event event, Now now);
  void raise(tree::Rising rising, tree::Turn& turn);
  void on_parent(tree::UplinkNotice& notice, tree::Turn& turn, LeafEffects& effects);
  void on_command(const v1::Request& request, tree::Turn& turn, LeafEffects& effects);
  void tell_refusal(const tree::OwnEvent& own, tree::Turn& turn);
  void tell_refused(const leaf::CommandGate::Judged& judged, tree::Turn& turn);
  void on_request(const v1::Request& request, tree::Turn& turn, LeafEffects& effects);
  void take_processes(LeafEffects& effects);
  void take_supervisor(tree::Turn& turn, LeafEffects& effects);
  void take_notice(const leaf::TargetNotice& notice, tree::Turn& turn);
  bool is_told(const leaf::TargetNotice& notice) const;
  void tell_target(const std::string& target, tree::Turn& turn);
  void send_outcomes(v1::Outcomes outcomes, tree::Turn& turn);
  void send_logs(leaf::LogStreams::Output& output, tree::Turn& turn, LeafEffects& effects);
  void send_events(tree::Turn& turn);
  void send_gauges(tree::Turn& turn, LeafEffects& effects);
  void scale(const leaf::TargetRequest& request, tree::Turn& turn, LeafEffects& effects);
  void go(tree::Turn& turn);

  LeafOptions options_;
  tree::Identity identity_;
  tree::Mirror mirror_;
  tree::Uplink uplink_;
  tree::EventOutbox events_;
  leaf::InstanceGroups groups_;
  leaf::Supervisor supervisor_;
  leaf::SupervisorEffects supervised_;
  leaf::CommandGate gate_;
  leaf::RequestJournal journal_;
  std::vector<v1::Request> unmarked_;  // admitted in this turn: they wait for MarksKept
  leaf::LogStreams streams_;
  view::LocalApi api_;
  leaf::GaugeDesk gauges_;
  leaf::Scaling scaling_;
  // Of runs taken over and those before them: their end was told by an earlier run.
  std::set<std::pair<std::string, std::uint64_t>> told_exits_;
  bool stopping_ = false;
  bool leave_ = false;  // asked for by act_stop()
  bool gone_ = false;
};

}  // namespace banyan
