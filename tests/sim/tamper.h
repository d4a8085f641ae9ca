#pragma once
// Rules of the protocol switched off from outside: frames that carry a rule are dropped, altered or
// numbered anew on their way. The roles know nothing of it.
//
//   strip:KIND          frames of this kind vanish unseen (sequence numbers close over the hole)
//   renumber            a lost frame leaves no gap in the numbers
//   present-digest      a digest speaks of the sender's present state, not of what was told
//   zero-heard          requests do not say which beat their sender has heard
//   one-boot            events of all boots of an instance count as one stream
//   no-oldest           a batch does not say what its origin still holds
//   no-instance         requests do not say for which instance they are meant
//   twice               every request names its targets twice
//   doubt-is-final      `in_doubt` becomes `unreachable`
//   corrupt             one fact of the next update is altered, once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "banyan/v1/link.pb.h"
#include "common/base/digest.h"

namespace banyan::sim {

// What is remembered of one connection.
struct TamperedLink {
  std::string child;  // its host
  std::string instance;
  v1::Boot boot;
  // By session and direction: frames passed on, and frames that vanished.
  std::map<std::pair<std::uint64_t, bool>, std::uint64_t> sequences;
  std::map<std::pair<std::uint64_t, bool>, std::uint64_t> vanished;
};

class Tamper {
 public:
  using Present = std::function<Digest(const std::string& host)>;

  // False: there is no such tampering.
  bool add(const std::string& what);
  void set_present(Present present) { present_ = std::move(present); }
  bool active() const { return !all_.empty(); }

  // Before the loss of frames: false when the frame vanishes.
  bool pass(TamperedLink& link, bool up, std::string& bytes);
  // Behind it: closes gaps.
  void on_the_way(TamperedLink& link, bool up, std::string& bytes);

 private:
  bool is(const char* what) const { return all_.contains(what); }
  void alter(TamperedLink& link, bool up, v1::Frame& frame);
  void alter_events(TamperedLink& link, bool up, v1::Frame& frame);
  void corrupt(v1::Frame& frame);

  std::set<std::string> all_;
  std::set<int> stripped_;
  Present present_;
  bool corrupted_ = false;
};

}  // namespace banyan::sim
