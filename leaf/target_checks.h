#pragma once
// What is asked of one running instance: is it ready, is it well, does it still speak. Pure.
//
//   off --begin--> readying --ready--> watching --end--> off
//
//   readying  exec, tcp, http are tried `every` until the first success; fd and log are one check
//             that waits for its line; notify waits for READY=1. Not ready in time: failed.
//   watching  the health check, `every`, after its delay; `failures` bad ones in a row make it
//             unhealthy, one good or degraded one begins anew, unknown counts for nothing.
//             The watchdog: silent when no WATCHDOG=1 came in time.
//   A target that says STOPPING=1 is not watched any more: it is about to end.
//
// Owned and called by its TargetMachine; `config` outlives it. At most one check of each purpose is
// open. After end() nothing is asked and nothing is heard.

#include <cstdint>
#include <optional>
#include <string>

#include "common/base/time.h"
#include "leaf/leaf_event.h"
#include "leaf/supervisor_effects.h"
#include "leaf/target_config.h"

namespace banyan::leaf {

// EXTEND_TIMEOUT_USEC, at most 24 h.
Duration extension_of(const Notified& said);

struct CheckVerdict {
  enum class Kind {
    none,
    ready,      // the machine answers with watch()
    late,       // not ready in time
    unhealthy,  // and to be restarted
    silent,     // the watchdog
    over_limit  // restart_on (usage_watch.h)
  };
  Kind kind = Kind::none;
  std::string reason;
  std::string data = {};  // members of the event's JSON object
};

class TargetChecks {
 public:
  explicit TargetChecks(const TargetConfig& config) : config_(config) {}

  // A new instance runs; `ready` at once when nothing is to be waited for.
  CheckVerdict begin(std::uint64_t generation, Now now, SupervisorEffects& effects);
  void watch(Now now);
  // An instance that an earlier run of the agent launched: it counts as ready.
  void resume(std::uint64_t generation, Now now);
  void end(SupervisorEffects& effects);
  // The configuration of the checks changed: they begin anew, readiness stays.
  CheckVerdict renew(Now now, SupervisorEffects& effects);

  CheckVerdict handle(const CheckResult& result);
  CheckVerdict handle(const Notified& said, Now now);
  CheckVerdict time_reached(Now now, SupervisorEffects& effects);
  Time next_deadline() const;

  const std::optional<Health>& health() const { return health_; }
  const std::string& health_text() const { return health_text_; }
  std::string status_text() const;

 private:
  enum class Phase { off, readying, watching };
  enum class Doing { nothing, reloading, stopping };

  void run(CheckPurpose purpose, Now now, SupervisorEffects& effects);
  void stop_watching();
  CheckVerdict judge(const CheckResult& result);
  Time next_try() const { return open_ ? never : try_at_; }

  const TargetConfig& config_;
  Phase phase_ = Phase::off;
  std::uint64_t generation_ = 0;
  bool asked_ = false;        // a check of this instance may be open at the performer
  bool open_ = false;         // the check of this phase is not answered
  Time try_at_ = never;       // the next one
  Time give_up_at_ = never;   // readying
  Time watchdog_at_ = never;  // watching
  unsigned failures_ = 0;     // in a row
  std::string last_text_;     // readying: of the last failed try
  std::optional<Health> health_;
  std::string health_text_;
  Doing doing_ = Doing::nothing;
  std::string said_;
};

}  // namespace banyan::leaf
