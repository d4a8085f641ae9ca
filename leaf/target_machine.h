#pragma once
// One target: what is wanted of it, what it is, and what to do about the difference. Pure.
//
//               Launched   LaunchFailed  ProcessExited   SubtreeGone   time        start     stop
//   pending (8)    .            .              .              .       a run is due starting stopped
//   starting   running (9)  failed (1)   starting (2)         .       not ready(10) waits stopping
//   running        .            .        starting (2)         .       unwell (10)   done stopping
//   stopping    signal      stopped (3)   EndSubtree     stopped (3)  signal, KILL waits(4)
//   waits(5) stopped        .            .              .              .            . starting done
//   backing_off    .            .              .        starting if due starting   starting
//   stopped(6) exited         .            .              .              .       a run is due
//   starting stopped(6) failed         .            .             (7)             .       a run is
//   due starting stopped(6)
//
//   "." = late or of another generation: nothing happens.
//   restart = start; but in starting and running it goes through stopping to a new generation.
//   signal is delivered wherever a main process is alive, and rejected elsewhere.
//   (1) backing_off when the system lacks something that may come back (EAGAIN, ENOMEM, ...)
//   (2) or backing_off, exited, failed: restart_policy.h. The old generation's remains are ended
//       beside; the new one does not wait for that, the generations' marks keep them apart.
//   (3) when no process of any generation is left; starting when it is wanted again; failed when
//       processes remain that not even KILL ends; after (10) as after a run that ended
//   (4) then starts again once stopped; an earlier stop is rejected as superseded
//   (5) an earlier start or restart is rejected as superseded
//   (6) by way of stopping while remains of earlier generations are being ended
//   (7) a main process that KILL did not end may end later: its exit is told; the state stays.
//       Until then no second copy is started, and stop tries again.
//   (8) every way to starting leads through pending while a target it depends on is not ready
//       (set_hold); a scheduled one waits there for its first run
//   (9) once it is ready (target_checks.h); until then it stays in starting
//   (10) stopping, with the reason; then it counts as a run that failed
//
// Invariants: at most one main process, or one launch without answer, exists; `generation` rises
// with each launch; each accepted request is answered exactly once, at the latest when the launcher
// has answered what it was asked, or after ready.timeout in pending.
// Bounds: WaitingRequests::max_waiting requests, max_ending generations being ended.
// Threads: one. Files: target_machine.cpp (events), _ways.cpp (from state to state), _stop.cpp,
// _requests.cpp, _config.cpp (reload), _adopt.cpp.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "common/base/random.h"
#include "common/base/time.h"
#include "leaf/adoption.h"
#include "leaf/cron_plan.h"
#include "leaf/restart_policy.h"
#include "leaf/supervisor_effects.h"
#include "leaf/target_checks.h"
#include "leaf/target_config.h"
#include "leaf/usage_watch.h"

namespace banyan::leaf {

struct TargetOrigin {  // what a machine is made from; `pace` outlives it
  TargetConfig config;
  bool wanted = true;
  std::uint64_t seed = 0;
  RestartPace* pace = nullptr;
  std::uint64_t generation = 0;  // of the last launch under this name
};

class TargetMachine {
 public:
  static constexpr std::size_t max_ending = 8;

  explicit TargetMachine(TargetOrigin origin);
  TargetMachine(const TargetMachine&) = delete;
  TargetMachine& operator=(const TargetMachine&) = delete;

  // Before anything else.
  void remember(const TargetMemory& memory);
  // Behind it, before adopt(): an earlier run of what is adopted, whose end is about to be heard.
  void expect_end(const EndedRun& run);
  // Once, instead of begin(): it runs already. When it is not wanted, or was started from another
  // configuration, it is stopped (and started anew when wanted).
  void adopt(const AdoptedRun& run, Now now, SupervisorEffects& effects);
  // Behind both. What had no process stays as it was: a failed target is not tried again.
  void resume(const TargetPosition& position, Now now, SupervisorEffects& effects);
  TargetPosition position() const;
  // Once, before all that follows: launches it when it is wanted. Nothing when it was adopted
  // or resumed.
  void begin(Now now, SupervisorEffects& effects);
  void handle(const ProcessEvent& event, Now now, SupervisorEffects& effects);
  void handle(const CheckEvent& event, Now now, SupervisorEffects& effects);
  void handle(const TargetUsage& usage, Now now, SupervisorEffects& effects);
  void handle(const TargetRequest& request, Now now, SupervisorEffects& effects);
  void time_reached(Now now, SupervisorEffects& effects);
  // Ends it without forgetting that it is wanted; nothing is started any more. `why`: for those
  // who ask, "the leaf is shutting down".
  void shut_down(const std::string& why, Now now, SupervisorEffects& effects);

  // For whom a start has to wait ("waits for db"); empty = for nobody.
  void set_hold(const std::string& text, Now now, SupervisorEffects& effects);
  // Its stop waits: targets that depend on it are still stopping.
  void set_stop_hold(bool held, Now now, SupervisorEffects& effects);
  // A target that it waits for will not be ready by itself: whoever asked for a start is told.
  void dependency_failed(const std::string& text, SupervisorEffects& effects);
  // A member of its strategy group failed: it is run anew.
  void restart_along(const std::string& with, Now now, SupervisorEffects& effects);

  // The new configuration differs in policy only: nothing is restarted.
  void adopt(TargetConfig config, Now now, SupervisorEffects& effects);
  // It differs in what is launched: a running instance is replaced by one of the new kind.
  void replace(TargetConfig config, Now now, SupervisorEffects& effects);
  // Configured again while it was shutting down for good.
  void revive(TargetConfig config, Now now, SupervisorEffects& effects);

  Time next_deadline() const;
  const TargetStatus& status() const { return status_; }
  const TargetConfig& config() const { return next_config_ ? *next_config_ : config_; }
  bool wanted() const { return wanted_; }
  bool closing() const { return !closing_.empty(); }
  bool alive() const { return alive_; }  // a main process exists
  // What others depend on is there: it is ready, or it ended with success.
  bool satisfies() const;
  // Whether a run failed, and will be followed by another, since this was last asked.
  bool take_failure() { return std::exchange(failed_run_, false); }
  // Nothing runs and nothing is being ended (but what cannot be killed).
  bool gone() const;

 private:
  enum class StopPhase { launching, holding, terminating, ending };

  void on(const Launched& event, Now now, SupervisorEffects& effects);
  void on(const LaunchFailed& event, Now now, SupervisorEffects& effects);
  void on(const ProcessExited& event, Now now, SupervisorEffects& effects);
  void on_expected_end(const ProcessExited& event, Now now, SupervisorEffects& effects);
  void on(const SubtreeGone& event, Now now, SupervisorEffects& effects);
  void on(const CheckVerdict& verdict, Now now, SupervisorEffects& effects);

  void start(const TargetRequest& request, Now now, SupervisorEffects& effects);
  void stop(const TargetRequest& request, Now now, SupervisorEffects& effects);
  void restart(const TargetRequest& request, Now now, SupervisorEffects& effects);
  void signal(const TargetRequest& request, SupervisorEffects& effects);
  // Why no new instance may be asked for now; empty when it may.
  std::string obstacle() const;

  void enter(TargetState state, Now now, SupervisorEffects& effects);
  void begin_instance(Now now, SupervisorEffects& effects);  // or waits in pending
  void launch(Now now, SupervisorEffects& effects);
  void end_instance(const CheckVerdict& verdict, Now now, SupervisorEffects& effects);
  void begin_stop(Now now, SupervisorEffects& effects);
  void terminate(Now now, SupervisorEffects& effects);
  void send_stop_signal(int signal, Now now, SupervisorEffects& effects);
  void continue_stop(Now now, SupervisorEffects& effects);
  void end_subtree(SupervisorEffects& effects);
  void finish_stop(Now now, SupervisorEffects& effects);
  void after_run(Now now, SupervisorEffects& effects);
  void after_failure(Now now, SupervisorEffects& effects);
  void try_again(RestartHistory::Decision decision, Now now, SupervisorEffects& effects);
  void retry(Now now, SupervisorEffects& effects);
  void run_by_schedule(Now now, SupervisorEffects& effects);
  void leave_schedule(Now now, SupervisorEffects& effects);
  void take_next_config(Now now);  // once nothing of the old one runs
  void fail(std::string text, Now now, SupervisorEffects& effects);
  void show_checks(SupervisorEffects& effects);

  static LastExit exit_of(const ProcessExited& event, WallTime at, Duration ran);
  bool is_retry_due(Time now) const;
  void want(bool wanted, SupervisorEffects& effects);
  void answer(const TargetRequest& request, OutcomeKind kind, std::string reason,
              SupervisorEffects& effects) const;
  WaitingRequests::Answer answer_of(OutcomeKind kind, std::string reason) const;

  TargetConfig config_;
  std::optional<TargetConfig> next_config_;  // from the next instance on
  TargetStatus status_;
  bool wanted_;          // by people and configuration
  std::string closing_;  // why nothing is started any more; empty = it may be
  Random random_;
  RestartPace* pace_;
  RestartHistory history_;
  WaitingRequests waiting_;
  TargetChecks checks_;
  UsageWatch usage_;
  CronPlan plan_;

  bool launching_ = false;          // Launch is not answered
  bool alive_ = false;              // Launched, and not yet ProcessExited
  Time launched_at_{};              // this generation
  Time ready_at_ = never;           // likewise
  Duration ran_{0};                 // the last run, since it was ready
  std::set<std::uint64_t> ending_;  // EndSubtree is not answered
  struct Expected {
    Time started{};
    bool counted = false;  // in `restarts` and `last_exit`
  };
  std::map<std::uint64_t, Expected> expected_;  // ends of earlier runs, by generation

  std::string hold_;         // for whom a start has to wait
  bool held_ = false;        // pending: it does
  Time hold_until_ = never;  // then those who asked are told
  Time retry_at_ = never;    // backing_off
  bool paced_ = false;       // a place in the pace is taken for it
  std::string failure_;      // stopping: for this reason, not by request
  bool abort_ = false;       // stopping: by ABRT, for a dump
  bool failed_run_ = false;
  StopPhase stop_step_ = StopPhase::launching;  // stopping
  bool stop_held_ = false;
  std::vector<StopStep> stop_more_;  // of the stop under way: a reload does not change it
  std::size_t stop_index_ = 0;       // the next of them
  Time step_at_ = never;             // terminating: its time
  Time kill_at_ = never;             // terminating
  bool again_ = false;               // stopping: start again afterwards
  unsigned unkillable_ = 0;          // most found since the last stop began
  bool main_stuck_ = false;          // the newest generation is among them
};

}  // namespace banyan::leaf
