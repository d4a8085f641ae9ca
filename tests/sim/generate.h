#pragma once
// A scenario from a seed: a tree of at most 30 nodes, faults and workload together. The text says
// all; it can be kept, shortened and played again.

#include <cstdint>
#include <string>

namespace banyan::sim {

struct Mix {
  unsigned faults = 10;
  unsigned nodes = 30;       // at most
  unsigned seconds = 12;     // of faults
  bool quiet_links = false;  // no faults at all: nothing may be repaired
};

std::string generate(std::uint64_t seed, const Mix& mix);

}  // namespace banyan::sim
