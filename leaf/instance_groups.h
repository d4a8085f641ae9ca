#pragma once
// How many instances of each configured target there are to be: what the file says, or what `scale`
// said since, in this boot of the host.
//
// A group is what one [[targets]] entry makes. Its instances are named api.1 api.2 ...; a group of
// one in the file is `api` itself, and keeps that name for its first instance when it is scaled:
// api api.2 api.3. So no running instance is ever renamed, which would mean a restart.
// A group that is scaled to 0 keeps its first instance, stopped: what was there stays visible, and
// can be scaled again.
// A scaled number holds until the file gives another number of instances than when it was scaled.
// Pure; owned by the leaf role, one thread. Bounds: max_instances of a group, max_targets in all.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "leaf/target_config.h"

namespace banyan::leaf {

struct Scaled {
  unsigned file = 1;  // the number that the file gave at that time
  unsigned wanted = 1;
  bool operator==(const Scaled&) const = default;
};
using ScaledGroups = std::map<std::string, Scaled>;

class InstanceGroups {
 public:
  static constexpr unsigned max_instances = 1'000;
  static constexpr std::size_t max_targets = 10'000;

  // `configs`: those of the file, names and groups as its reader made them.
  InstanceGroups(std::vector<TargetConfig> configs, ScaledGroups scaled);

  // The file was read anew.
  void configure(std::vector<TargetConfig> configs);
  // All targets that there are to be, in the order of the file; `depends` on a group names all of
  // its instances.
  std::vector<TargetConfig> targets() const;

  struct Change {
    unsigned before = 0;
    std::vector<std::string> kept;  // its instances before and after, in order
    std::vector<std::string> added;
    std::vector<std::string> removed;  // last one first
  };
  // Nothing has changed on an error: no such group, or a bound.
  Result<Change> scale(const std::string& group, unsigned wanted);

  const ScaledGroups& scaled() const { return scaled_; }

 private:
  struct Group {
    std::vector<TargetConfig> file;  // never empty
    unsigned wanted = 1;
  };
  std::string name_of(const Group& group, unsigned number) const;
  std::vector<std::string> names_of(const Group& group, unsigned count) const;
  std::string objection(const Group& group, unsigned wanted) const;
  std::vector<std::string> depends_of(const TargetConfig& config) const;

  std::vector<std::string> order_;  // of the groups in the file
  std::map<std::string, Group> groups_;
  ScaledGroups scaled_;
};

}  // namespace banyan::leaf
