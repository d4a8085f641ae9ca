#pragma once
// Which ids a target runs with: what initgroups would give, looked up in the leaf, since the half
// of a launch that runs in the child may look up nothing. It asks the host's user database and
// waits for it.

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "leaf/process_config.h"

namespace banyan::leaf {

struct TargetUser {
  std::int64_t user = -1;  // -1 = the leaf's own
  std::int64_t group = -1;
  bool change_groups = false;
  std::vector<unsigned> groups;
  std::string name;  // of the account, empty when there is none
  std::string home;
};

// The error names the user or group that does not exist. A user that is the leaf's own already
// changes nothing, so that a leaf without rights can say who it is.
Result<TargetUser> find_target_user(const ProcessConfig& config);

}  // namespace banyan::leaf
