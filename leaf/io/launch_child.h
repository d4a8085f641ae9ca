#pragma once
// The half of a launch that runs in the new process, between clone and execve. It shares the
// memory of the leaf, which stands still meanwhile (CLONE_VM, CLONE_VFORK): so only raw system
// calls, no allocation, no lock, and everything it needs is prepared in the frame.

#include <cstddef>
#include <cstdint>

namespace banyan::leaf {

// In the order in which they are done.
enum class LaunchStage {
  clone,
  cgroup,
  session,
  limits,
  nice,
  io_priority,
  oom_score,
  groups,
  group,
  user,
  working_directory,
  no_new_privs,
  descriptors,
  execute
};

struct RawLimit {  // as prlimit64 takes it
  int resource = 0;
  struct {
    std::uint64_t soft = 0;
    std::uint64_t hard = 0;
  } values;
};

struct ChildFrame {
  // in
  const char* path = nullptr;
  char* const* arguments = nullptr;
  char* const* environment = nullptr;
  const char* working_directory = nullptr;  // nullptr = stay
  int input = -1;                           // the sources are all above 2
  int output = -1;
  int error = -1;
  int ready = -1;              // becomes descriptor ready_number; -1 = none
  int ready_number = -1;       // above 2
  int cgroup = -1;             // the folder of a cgroup v2; -1 = stay
  bool cgroup_needed = false;  // staying outside is a failure
  int umask = -1;              // -1 = inherit
  const RawLimit* limits = nullptr;
  std::size_t limit_count = 0;
  bool change_groups = false;
  const unsigned* groups = nullptr;
  std::size_t group_count = 0;
  std::int64_t group = -1;  // -1 = stay
  std::int64_t user = -1;
  bool change_nice = false;
  int nice = 0;
  int io_priority = -1;                 // as ioprio_set takes it
  const char* oom_score_adj = nullptr;  // its digits; nullptr = inherit
  std::size_t oom_score_size = 0;
  bool no_new_privs = false;
  char* pid_text = nullptr;  // room for the child's own pid as text: 11 bytes; nullptr = not asked
  int shared_up_to = -1;     // start_child()'s own: above it are the leaf's descriptors
  // out
  bool cgroup_joined = false;  // it began in its group
  // out, when it failed
  LaunchStage stage = LaunchStage::clone;
  std::size_t limit_index = 0;  // the one that was refused
  int error_number = 0;
};

struct Child {
  int pid = 0;
  int pidfd = -1;  // the caller owns it
};

// What the children of this process get back to its default, a bit per signal (1 = the first): by
// default all. A process that will not change a disposition any more may look once which ones are
// not the default already: that spares every child some sixty system calls.
void note_dispositions();

// Starts frame.path in a session of its own, with default signal dispositions, an empty signal
// mask and no descriptor but 0, 1, 2 and the ready one. Returns after execve. On failure pid is 0,
// the frame says stage and errno, and neither process nor descriptor is left.
// `stack` points at the end of a block of at least 32 KiB, aligned to 16.
// The first call of a process reserves four low descriptors, if there are some below 64: so that a
// launch takes the same time however many descriptors the process has.
Child start_child(ChildFrame& frame, void* stack);

}  // namespace banyan::leaf
