#pragma once
// Starts a target: a process in a session of its own, stdin = /dev/null unless configured, stdout
// and stderr in two pipes, nothing else inherited: no descriptor, no ignored or blocked signal.
//
// Its environment (launch_environment.h) ends with
//   BANYAN_TARGET=<instance>/<target>#<generation>
// by which its descendants are found later (subtree.h).
//
// A launch is prepared here, then performed: by this process, or by the keeper (launch_block.h).
//
// Called by ProcessTable on the loop's thread. It stands still until execve: about 0.1 ms, longer
// only when the working directory or the program lies on a file system that does not answer.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "leaf/io/descriptor.h"
#include "leaf/io/launch_frame.h"
#include "leaf/target_config.h"

namespace banyan::leaf {

struct LaunchedProcess {
  int pid = 0;
  Descriptor pidfd;
  Descriptor stdout_fd;  // read ends, non-blocking
  Descriptor stderr_fd;
  Descriptor ready_fd;   // likewise, when a ready_number was asked for
  bool grouped = false;  // it began in its control group
};

// What one launch is given beside the target's configuration.
struct LaunchExtras {
  // Over all else. An empty WATCHDOG_PID becomes the pid.
  Environment environment;
  Descriptor input;          // stdin; none = as configured
  int ready_number = -1;     // of a descriptor of the target, above 2: the write end of a pipe
  Descriptor cgroup;         // the folder of a control group; none = the leaf's own
  std::string mark_end;      // behind the mark: then it is not of the generation's subtree
  bool short_lived = false;  // its pipes need not be large
};

// All that a launch needs, whoever performs it.
class PreparedLaunch {
 public:
  struct Pipe {
    Descriptor reader;  // non-blocking
    Descriptor writer;  // the target's
  };

  // With all pointers and descriptors set; valid as long as this lives where it is. Once.
  ChildFrame frame();
  // What the child met, as the frame or the keeper tells it. `detail`: limit_index of the frame.
  LaunchError error_of(LaunchStage stage, int error_number, std::size_t detail) const;
  int output_reader() const { return output_.reader.get(); }
  int error_reader() const { return error_.reader.get(); }
  // The target's ends are closed: otherwise its pipes would never come to their end.
  void close_writers();
  LaunchedProcess take(int pid, Descriptor pidfd);

 private:
  friend class Launcher;
  explicit PreparedLaunch(LaunchFrame frame) : frame_(std::move(frame)) {}

  LaunchFrame frame_;
  Pipe output_;
  Pipe error_;
  Pipe ready_;  // none unless asked for
  int ready_number_ = -1;
  Descriptor cgroup_;
};

// "<instance>/<target>#<generation>"
std::string target_mark(const std::string& instance, const std::string& target,
                        std::uint64_t generation);

class Launcher {
 public:
  explicit Launcher(std::string instance);

  // prepare() and start().
  tl::expected<LaunchedProcess, LaunchError> launch(const TargetConfig& config,
                                                    std::uint64_t generation,
                                                    LaunchExtras extras = {});
  // On an error nothing is left behind. command[0] without '/' is looked up in the PATH the target
  // would get; a relative one with '/' is taken from the target's working directory.
  tl::expected<PreparedLaunch, LaunchError> prepare(const TargetConfig& config,
                                                    std::uint64_t generation, LaunchExtras extras);
  // As a child of this process.
  tl::expected<LaunchedProcess, LaunchError> start(PreparedLaunch prepared);

  // A few pipes are made ahead, for when a target has died and the next launch is urgent. To be
  // called when nothing is.
  void stock();

  const std::string& instance() const { return instance_; }
  // Pipes that the kernel refused to enlarge (64 MiB in all per unprivileged user): their targets
  // wait earlier while the leaf is busy.
  std::uint64_t small_pipes() const { return small_pipes_; }

 private:
  static constexpr std::size_t stock_max = 4;  // of two launches
  tl::expected<PreparedLaunch::Pipe, LaunchError> take_pipe(bool large);
  tl::expected<PreparedLaunch::Pipe, LaunchError> open_pipe(bool large);
  tl::expected<PreparedLaunch::Pipe, LaunchError> open_ready_pipe();
  int open_again(int descriptor, int flags) const;  // -1 = errno
  tl::expected<LaunchFrame, LaunchError> prepare_frame(const TargetConfig& config,
                                                       std::uint64_t generation,
                                                       LaunchExtras& extras) const;

  std::string instance_;
  Descriptor own_descriptors_;  // held open: the way to it costs as much as the rest
  std::unique_ptr<std::byte[]> stack_;
  std::vector<PreparedLaunch::Pipe> stock_;  // large ones
  std::uint64_t small_pipes_ = 0;
};

}  // namespace banyan::leaf
