#pragma once
// What `depends` of targets means, once all are read. Pure.

#include <map>
#include <string>
#include <vector>

#include "common/io/config_problem.h"
#include "leaf/target_config.h"

namespace banyan::leaf::io {

struct TargetPlaces {
  std::map<std::string, std::vector<std::string>> instances;  // "api" -> "api.1" "api.2"
  std::map<std::string, banyan::io::ConfigPlace> places;      // by target's name
};

// A name of instances becomes all of them; unknown names, a target itself, and circles are
// problems at the target that has them.
void resolve_depends(std::vector<TargetConfig>& targets, const TargetPlaces& known,
                     banyan::io::ConfigProblems& problems);

}  // namespace banyan::leaf::io
