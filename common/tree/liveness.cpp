#include "common/tree/liveness.h"

#include <algorithm>

#include <fmt/format.h>

namespace banyan::tree {
namespace {

std::string in_seconds(Duration duration) {
  return fmt::format("{:.3g} s", std::chrono::duration<double>(duration).count());
}

}  // namespace

bool Liveness::enter(State state, std::string why) {
  if (state == state_) return false;
  state_ = state;
  why_ = std::move(why);
  return true;
}

bool Liveness::on_session(LivenessOptions options, Time now) {
  options_ = options;
  verified_ = false;
  open_ = true;
  last_heard_ = now;
  return enter(State::syncing, "a new session");
}

bool Liveness::on_heard(Time now) {
  last_heard_ = std::max(last_heard_, now);
  if (state_ != State::suspect || !open_) return false;
  return enter(verified_ ? State::up : State::syncing, "heard again");
}

bool Liveness::on_verified(Time now) {
  last_heard_ = std::max(last_heard_, now);
  verified_ = true;
  if (state_ != State::syncing) return false;
  return enter(State::up, "digest equal");
}

bool Liveness::on_closed(const std::string& why, Time now) {
  if (!open_) return false;
  open_ = false;
  closed_at_ = now;
  if (state_ == State::lost || state_ == State::left) return false;
  return enter(State::suspect, why);
}

bool Liveness::on_goodbye(const std::string& reason) {
  open_ = false;
  return enter(State::left, "goodbye: " + reason);
}

bool Liveness::on_time(Time now) {
  if (state_ == State::lost || state_ == State::left) return false;
  if (!open_ && now >= closed_at_ + options_.grace) {
    return enter(State::lost, "no new session within " + in_seconds(options_.grace) + " of grace");
  }
  const Duration silent = now - last_heard_;
  if (silent >= options_.timeout) {
    open_ = false;
    return enter(State::lost, "silent for " + in_seconds(options_.timeout));
  }
  if (open_ && state_ != State::suspect && silent >= 2 * options_.interval) {
    return enter(State::suspect, "no beat for 2 intervals of " + in_seconds(options_.interval));
  }
  return false;
}

bool Liveness::on_restored(State was, LivenessOptions options, Time now) {
  options_ = options;
  verified_ = false;
  open_ = false;
  last_heard_ = now;
  closed_at_ = now;
  if (was != State::lost && was != State::left) {
    return enter(State::syncing, "its parent has restarted");
  }
  state_ = was;
  why_ = was == State::lost ? "lost before its parent restarted" : "left before";
  return false;
}

void Liveness::shift(Duration lateness, Time now) {
  last_heard_ = std::max(last_heard_, std::min(last_heard_ + lateness, now));
  closed_at_ = std::max(closed_at_, std::min(closed_at_ + lateness, now));
}

Time Liveness::next_deadline() const {
  if (state_ == State::lost || state_ == State::left) return never;
  const Time silent = after(last_heard_, options_.timeout);
  const Time grace = open_ ? never : after(closed_at_, options_.grace);
  const bool watched = open_ && state_ != State::suspect;
  const Time suspect = watched ? after(last_heard_, 2 * options_.interval) : never;
  return std::min({silent, grace, suspect});
}

}  // namespace banyan::tree
