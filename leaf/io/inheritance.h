#pragma once
// What a starting leaf does with all that its keeper hands over, or the program before it in the
// same process. Pure but for the descriptors; start only.
//
// The newest process of a configured target is adopted, also when it ended meanwhile (then its exit
// is told) or when its command, environment, directory or umask is another now (then it is run
// anew). What belongs to no target is left to end_strays(). Of an earlier process of the target,
// the end that nobody has acknowledged is told, before all that is told of the newest.

#include <set>
#include <string>
#include <vector>

#include "banyan/v1/handover.pb.h"
#include "leaf/adoption.h"
#include "leaf/io/keeper_start.h"

namespace banyan::leaf {

struct Inheritance {
  Legacy legacy;
  std::set<std::string> marks;  // of what is adopted
};

// A process that no keeper holds, for the next program in this process, and back.
v1::HeldRun held_run(const keeper::Message& told, int pidfd);
std::vector<KeptRun> kept_runs(const v1::Handover& handover);

// In `link`, runs are put in the order of their generations. What is not adopted is marked as
// `replaced`, or flagged as `acknowledged` when there is nothing to tell of it: then only its pipes
// are still of use.
Inheritance inherit(KeeperLink& link, const std::vector<TargetConfig>& targets,
                    const std::string& instance);

}  // namespace banyan::leaf
