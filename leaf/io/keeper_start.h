#pragma once
// Finding the keeper of a state directory, or starting one. The state directory must be locked by
// the caller: so there is one leaf, and at most one that starts a keeper.

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "leaf/io/descriptor.h"
#include "leaf/io/keeper_wire.h"

namespace banyan::leaf {

struct KeptRun {  // a process that the keeper holds
  keeper::Message message;
  Descriptor pidfd;  // none when it is over
  Descriptor out;    // none when it is at its end
  Descriptor err;
  bool replaced = false;  // it is over and a newer run is adopted: only its end is to be told
};

struct KeeperLink {
  Descriptor socket;
  int pid = 0;
  std::uint32_t version = 0;  // of its welcome; 0 = that is still to come
  std::vector<KeptRun> runs;
  std::vector<keeper::Message> memories;
};

struct KeeperPlace {
  std::string state_dir;
  std::string program;  // of the keeper
  std::uint64_t spill_max = 0;
};

// "banyan-keeper" beside the program that is running.
std::string keeper_program();

// Takes over what the living keeper has; starts one when there is none and `start`. Waits at most
// 5 s. An error without `start` may only mean that there is none.
Result<KeeperLink> open_keeper(const KeeperPlace& place, bool start);
// A new keeper; the old one is dead. Does not wait for its answer: it has nothing to tell.
Result<KeeperLink> start_keeper(const KeeperPlace& place);

}  // namespace banyan::leaf
