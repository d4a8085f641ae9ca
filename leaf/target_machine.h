#pragma once
// One target: what is wanted of it, what it is, and what to do about the difference. Pure.
//
//              Launched   LaunchFailed  ProcessExited   SubtreeGone   time      start     stop
//   pending       .            .              .              .          .      starting  stopped
//   starting   running   failed (1)         CHECK            .          .       waits    stopping
//   running       .            .       starting (2)          .          .       done     stopping
//   stopping   signal     stopped (3)   EndSubtree      stopped (3)    KILL    waits (4)  waits (5)
//   stopped       .            .              .              .          .      starting   done
//   backing_off   .            .              .         starting if  starting  starting  stopped
//   (6)
//                                                           due
//   exited        .            .              .              .          .      starting  stopped
//   (6) failed        .            .          (7)                .          .      starting stopped
//   (6)
//
//   "." = late or of another generation: nothing happens.
//   restart = start; but in starting and running it goes through stopping to a new generation.
//   signal is delivered wherever a main process is alive, and rejected elsewhere.
//   (1) backing_off when the system lacks something that may come back (EAGAIN, ENOMEM, ...)
//   (2) or backing_off, exited, failed: restart_policy.h. The old generation's remains are ended
//       beside; the new one does not wait for that, the generations' marks keep them apart.
//   (3) when no process of any generation is left; starting when it is wanted again; failed when
//       processes remain that not even KILL ends
//   (4) then starts again once stopped; an earlier stop is rejected as superseded
//   (5) an earlier start or restart is rejected as superseded
//   (6) by way of stopping while remains of earlier generations are being ended
//   (7) a main process that KILL did not end may end later: its exit is told; the state stays.
//       Until then no second copy is started, and stop tries again.
//
// Invariants: at most one main process, or one launch without answer, exists; `generation` rises
// with each launch; each accepted request is answered exactly once, at the latest when the launcher
// has answered what it was asked.
// Bounds: WaitingRequests::max_waiting requests, max_ending generations being ended.

#include <cstdint>
#include <set>
#include <string>

#include "common/base/random.h"
#include "common/base/time.h"
#include "leaf/adoption.h"
#include "leaf/restart_policy.h"
#include "leaf/supervisor_effects.h"
#include "leaf/target_config.h"

namespace banyan::leaf {

class TargetMachine {
 public:
  static constexpr std::size_t max_ending = 8;

  TargetMachine(TargetConfig config, bool wanted, std::uint64_t seed);

  // Before anything else.
  void remember(const TargetMemory& memory);
  // Once, instead of begin(): it runs already. When it is not wanted, or was started from another
  // configuration, it is stopped (and started anew when wanted).
  void adopt(const AdoptedRun& run, Now now, SupervisorEffects& effects);
  // Once, before all that follows: launches it when it is wanted. Nothing when it was adopted.
  void begin(Now now, SupervisorEffects& effects);
  void handle(const ProcessEvent& event, Now now, SupervisorEffects& effects);
  void handle(const TargetRequest& request, Now now, SupervisorEffects& effects);
  void time_reached(Now now, SupervisorEffects& effects);
  // Ends it without forgetting that it is wanted; nothing is started any more.
  void shut_down(Now now, SupervisorEffects& effects);

  Time next_deadline() const;
  const TargetStatus& status() const { return status_; }
  const TargetConfig& config() const { return config_; }
  bool wanted() const { return wanted_; }
  // Nothing runs and nothing is being ended (but what cannot be killed).
  bool gone() const;

 private:
  enum class StopStep { launching, terminating, ending };

  void on(const Launched& event, Now now, SupervisorEffects& effects);
  void on(const LaunchFailed& event, Now now, SupervisorEffects& effects);
  void on(const ProcessExited& event, Now now, SupervisorEffects& effects);
  void on(const SubtreeGone& event, Now now, SupervisorEffects& effects);

  void start(const TargetRequest& request, Now now, SupervisorEffects& effects);
  void stop(const TargetRequest& request, Now now, SupervisorEffects& effects);
  void restart(const TargetRequest& request, Now now, SupervisorEffects& effects);
  void signal(const TargetRequest& request, SupervisorEffects& effects);
  // Why no new instance may be asked for now; empty when it may.
  std::string obstacle() const;

  void enter(TargetState state, Now now, SupervisorEffects& effects);
  void launch(Now now, SupervisorEffects& effects);
  void begin_stop(Now now, SupervisorEffects& effects);
  void terminate(Now now, SupervisorEffects& effects);
  void end_subtree(SupervisorEffects& effects);
  void finish_stop(Now now, SupervisorEffects& effects);
  void after_run(Now now, SupervisorEffects& effects);
  void try_again(RestartHistory::Decision decision, Now now, SupervisorEffects& effects);
  void fail(std::string text, Now now, SupervisorEffects& effects);

  bool is_retry_due(Time now) const;
  void want(bool wanted, SupervisorEffects& effects);
  void answer(const TargetRequest& request, OutcomeKind kind, std::string reason,
              SupervisorEffects& effects) const;
  WaitingRequests::Answer answer_of(OutcomeKind kind, std::string reason) const;

  TargetConfig config_;
  TargetStatus status_;
  bool wanted_;           // by people and configuration
  bool closing_ = false;  // shut_down() was called
  Random random_;
  RestartHistory history_;
  WaitingRequests waiting_;

  bool launching_ = false;  // Launch is not answered
  bool alive_ = false;      // Launched, and not yet ProcessExited
  Time launched_at_{};
  std::set<std::uint64_t> ending_;  // EndSubtree is not answered

  Time retry_at_ = never;                     // backing_off
  StopStep stop_step_ = StopStep::launching;  // stopping
  Time kill_at_ = never;                      // stopping, terminating
  bool again_ = false;                        // stopping: start again afterwards
  unsigned unkillable_ = 0;                   // most found since the last stop began
  bool main_stuck_ = false;                   // the newest generation is among them
};

}  // namespace banyan::leaf
