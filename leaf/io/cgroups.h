#pragma once
// One control group (v2) per run of a target, where the host lets the leaf make them:
//
//   <the leaf's own group>/banyan-<instance>/<target>.<number>
//
// The number is that of the generation it was made for. A group without limits that was seen empty
// serves the target's next generation, too: neither is made anew nor removed at a restart.
// What is in it cannot hide from its end: cgroup.kill finds also what has lost mark, session and
// parent. Its limits hold for the whole subtree, and it tells of OOM kills; both only where the
// controllers are handed down to the leaf. Everything here is best effort and says so: without
// groups the walk over /proc (subtree.h) does the ending.
// Loop's thread. Each call is a few writes to the kernel's own file system.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "leaf/io/descriptor.h"
#include "leaf/process_config.h"

namespace banyan::leaf {

// The path of this process's v2 group below its mount, from the texts of /proc/self/mountinfo and
// /proc/self/cgroup; empty when there is none. Pure.
std::string own_group_folder(const std::string& mountinfo, const std::string& cgroup);

// The number behind `oom_kill` in memory.events; 0 when there is none. Pure.
std::uint64_t oom_kills_of(const std::string& memory_events);

class Cgroups {
 public:
  // Looks for a group to make others in, and tries; sweeps what an earlier run left empty.
  explicit Cgroups(const std::string& instance);
  ~Cgroups();
  Cgroups(const Cgroups&) = delete;
  Cgroups& operator=(const Cgroups&) = delete;

  bool usable() const { return !folder_.empty(); }
  // "cgroup v2 at /sys/fs/cgroup/..., limits: memory" or why there are none; one line.
  const std::string& description() const { return description_; }
  // Why limits asked for do not hold; empty when they do.
  std::string objection(const ProcessConfig& config) const;

  // The group's folder, to be launched into; none when it cannot be made.
  Descriptor make(const std::string& target, std::uint64_t generation, const ProcessConfig& config);
  // It was started by an earlier leaf: finds its group.
  void adopt(const std::string& target, std::uint64_t generation, int pid);
  // Kills all in it; how many there were. Nothing when its group is not known, or a process of
  // another mark is in it: that one belongs to another leaf, and stays.
  std::optional<unsigned> kill(const std::string& target, std::uint64_t generation);
  // How many are in it.
  unsigned left(const std::string& target, std::uint64_t generation);
  // Whether the kernel killed a process in it for want of memory.
  bool oom_killed(const std::string& target, std::uint64_t generation);
  // The generation needs it no more: to be removed by tidy().
  void release(const std::string& target, std::uint64_t generation);
  // Removes what is released and empty; false when a released one could not be removed yet. For
  // when there is nothing else to do.
  bool tidy();

 private:
  struct Group {
    std::uint64_t number = 0;
    std::uint64_t generation = 0;  // the last one that began in it
    bool limited = false;
    bool empty = false;  // seen
    bool released = false;
    std::uint64_t oom_kills = 0;  // of earlier generations
    Descriptor folder = {};       // open, so that nothing has to walk the path again
  };
  using Groups = std::map<std::string, std::vector<Group>>;  // by target
  std::string folder_of(const std::string& target, std::uint64_t number) const;
  Group* find(const std::string& target, std::uint64_t generation);
  // One that can serve, or a new one; nullptr when none can be made.
  Group* take(const std::string& target, std::uint64_t generation, bool limited);
  std::uint64_t oom_kills(const std::string& folder) const;
  void set_limits(const std::string& folder, const ProcessConfig& config) const;
  // Removes what is empty; false when something empty could not be removed yet.
  bool sweep() const;

  std::string instance_;
  std::string folder_;  // empty = not usable
  std::set<std::string> controllers_;
  Groups groups_;
  std::string description_;
};

}  // namespace banyan::leaf
