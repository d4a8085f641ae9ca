#pragma once
// The half of a launch that runs in the new process, between clone and execve. It shares the
// memory of the leaf, which stands still meanwhile (CLONE_VM, CLONE_VFORK): so only raw system
// calls, no allocation, no lock, and everything it needs is prepared in the frame.

namespace banyan::leaf {

enum class LaunchStage { clone, session, working_directory, descriptors, execute };

struct ChildFrame {
  // in
  const char* path = nullptr;
  char* const* arguments = nullptr;
  char* const* environment = nullptr;
  const char* working_directory = nullptr;  // nullptr = stay
  int input = -1;                           // the three sources are all above 2
  int output = -1;
  int error = -1;
  int umask = -1;  // -1 = inherit
  // out, when it failed
  LaunchStage stage = LaunchStage::clone;
  int error_number = 0;
};

struct Child {
  int pid = 0;
  int pidfd = -1;  // the caller owns it
};

// Starts frame.path in a session of its own, with default signal dispositions, an empty signal
// mask and no descriptor but 0, 1 and 2. Returns after execve. On failure pid is 0, the frame says
// stage and errno, and neither process nor descriptor is left.
// `stack` points at the end of a block of at least 32 KiB, aligned to 16.
Child start_child(ChildFrame& frame, void* stack);

}  // namespace banyan::leaf
