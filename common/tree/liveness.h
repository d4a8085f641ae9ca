#pragma once
// The parent's verdict on one child, by evidence.
//
//   syncing --equal digest--> up --silent 2 intervals--> suspect --heard--> up or syncing
//   syncing, up --connection closed--> suspect --no new session within grace--> lost
//   syncing, up, suspect --silent for timeout--> lost        any --goodbye--> left
//   suspect, lost, left --a new session--> syncing
//   (restored) --no new session within grace--> lost
//
// `suspect` costs nothing: it is shown, and requests still go there. `lost` and `left` end the
// session: what the child says afterwards does not revive it, only a new Hello does.
// Time in which the judge itself stood still is not counted against the child: shift().
// Pure; times are the judge's own.

#include <string>

#include "common/base/time.h"

namespace banyan::tree {

struct LivenessOptions {
  Duration interval = seconds{1};  // the child's beat
  Duration timeout = seconds{5};   // the judge's
  Duration grace = seconds{1};
};

class Liveness {
 public:
  enum class State { syncing, up, suspect, lost, left };

  explicit Liveness(LivenessOptions options) : options_(options) {}

  // Each returns true when the state changed; why() then tells the evidence.
  bool on_session(LivenessOptions options, Time now);
  bool on_heard(Time now);
  bool on_verified(Time now);  // the first equal digest of the session
  bool on_closed(const std::string& why, Time now);
  bool on_goodbye(const std::string& reason);
  bool on_time(Time now);
  // An earlier run of the judge knew the child in this state. Lost and left ones are so still; of
  // the others nothing is known until they come back, and `grace` later they are lost.
  bool on_restored(State was, LivenessOptions options, Time now);

  // Never into the future: a frame read before the clock was looked at needs no credit.
  void shift(Duration lateness, Time now);
  Time next_deadline() const;

  State state() const { return state_; }
  const std::string& why() const { return why_; }
  bool verified() const { return verified_; }

 private:
  bool enter(State state, std::string why);

  LivenessOptions options_;
  State state_ = State::lost;
  bool verified_ = false;
  bool open_ = false;  // the session's connection
  Time last_heard_{};
  Time closed_at_{};
  std::string why_;
};

}  // namespace banyan::tree
