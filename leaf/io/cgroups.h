#pragma once
// One control group (v2) per generation of a target, where the host lets the leaf make them:
//
//   <the leaf's own group>/banyan-<instance>/<target>.<generation>
//
// What is in it cannot hide from its end: cgroup.kill finds also what has lost mark, session and
// parent. Its limits hold for the whole subtree, and it tells of OOM kills; both only where the
// controllers are handed down to the leaf. Everything here is best effort and says so: without
// groups the walk over /proc (subtree.h) does the ending.
// Loop's thread. Each call is a few writes to the kernel's own file system.

#include <cstdint>
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
  // Kills all in it; how many there were. Nothing when there is no such group, or a process of
  // another mark is in it: that one belongs to another leaf, and stays.
  std::optional<unsigned> kill(const std::string& target, std::uint64_t generation);
  // How many are in it.
  unsigned left(const std::string& target, std::uint64_t generation) const;
  // Whether the kernel killed a process in it for want of memory.
  bool oom_killed(const std::string& target, std::uint64_t generation) const;
  // When it is empty. What is not empty yet goes with a later call.
  void remove(const std::string& target, std::uint64_t generation);

 private:
  std::string folder_of(const std::string& target, std::uint64_t generation) const;
  void set_limits(const std::string& folder, const ProcessConfig& config) const;
  // Removes what is empty; false when something empty could not be removed yet.
  bool sweep() const;

  std::string instance_;
  std::string folder_;  // empty = not usable
  std::set<std::string> controllers_;
  std::set<std::string> emptying_;  // folders to be removed
  std::string description_;
};

}  // namespace banyan::leaf
