#pragma once
// Ends whole subtrees of runs: all processes that carry their mark, and at first those of their
// session. Looks at /proc in rounds until two in a row find nothing, 3 s at most.

#include <cstdint>

#include "leaf/keeper/run.h"

namespace banyan::leaf::keeper {

class Ender {
 public:
  // Once, for the runs that are `ending`.
  void begin(Runs& runs);
  bool busy() const { return next_round_ns_ != 0; }
  std::int64_t next_round_ns() const { return next_round_ns_; }
  void round(Runs& runs);

 private:
  bool kill_all(Runs& runs);

  std::int64_t next_round_ns_ = 0;
  std::int64_t give_up_ns_ = 0;
  unsigned quiet_rounds_ = 0;
};

// The BANYAN_TARGET of a process; nullptr when there is none. The caller frees it.
char* mark_of(int pid);

}  // namespace banyan::leaf::keeper
