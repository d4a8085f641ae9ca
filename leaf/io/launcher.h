#pragma once
// Starts a target: a process in a session of its own, stdin = /dev/null, stdout and stderr in two
// pipes, nothing else inherited: no descriptor, no ignored or blocked signal.
//
// The environment of a target is the leaf's, then the configured one, then
//   BANYAN_TARGET=<instance>/<target>#<generation>
// by which its descendants are found later (subtree.h).
//
// Called by ProcessTable on the loop's thread. It stands still until execve: about 0.1 ms, longer
// only when the working directory or the program lies on a file system that does not answer.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "leaf/io/descriptor.h"
#include "leaf/io/launch_child.h"
#include "leaf/target_config.h"

namespace banyan::leaf {

struct LaunchedProcess {
  int pid = 0;
  Descriptor pidfd;
  Descriptor stdout_fd;  // read ends, non-blocking
  Descriptor stderr_fd;
};

struct LaunchError {
  int error_number = 0;  // errno
  std::string text;      // "exec /no/such: No such file or directory (ENOENT)"
};

// All that a launch needs, whoever performs it: this process or the keeper.
class PreparedLaunch {
 public:
  struct Pipe {
    Descriptor reader;  // non-blocking
    Descriptor writer;  // the target's
  };

  // With all pointers and descriptors set; valid as long as this lives where it is.
  ChildFrame frame();
  // What the child met, as the frame or the keeper tells it.
  LaunchError error_of(LaunchStage stage, int error_number) const;

  Pipe output;
  Pipe error;

 private:
  friend class Launcher;
  TargetConfig config_;
  std::string program_;
  std::vector<std::string> arguments_;
  std::vector<std::string> environment_;
  std::vector<char*> argument_pointers_;
  std::vector<char*> environment_pointers_;
  Descriptor input_;
};

// "<instance>/<target>#<generation>"
std::string target_mark(const std::string& instance, const std::string& target,
                        std::uint64_t generation);

class Launcher {
 public:
  explicit Launcher(std::string instance);

  // prepare() and start().
  tl::expected<LaunchedProcess, LaunchError> launch(const TargetConfig& config,
                                                    std::uint64_t generation);
  // On an error nothing is left behind. command[0] without '/' is looked up in the PATH the target
  // would get; a relative one with '/' is taken from the target's working directory.
  tl::expected<PreparedLaunch, LaunchError> prepare(const TargetConfig& config,
                                                    std::uint64_t generation);
  // As a child of this process.
  tl::expected<LaunchedProcess, LaunchError> start(PreparedLaunch prepared);

  const std::string& instance() const { return instance_; }
  // Pipes that the kernel refused to enlarge (64 MiB in all per unprivileged user): their targets
  // wait earlier while the leaf is busy.
  std::uint64_t small_pipes() const { return small_pipes_; }

 private:
  tl::expected<PreparedLaunch::Pipe, LaunchError> open_pipe();

  std::string instance_;
  std::unique_ptr<std::byte[]> stack_;
  std::uint64_t small_pipes_ = 0;
};

}  // namespace banyan::leaf
