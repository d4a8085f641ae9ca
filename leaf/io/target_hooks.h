#pragma once
// on_start and on_exit: a person's commands, told of each launch and each exit of a target. They
// hold up nothing: a target is restarted while its on_exit still runs. Each has 30 s, then it is
// killed with all it started. They run with the target's user, directory and environment, plus
//   BANYAN_EVENT=start|exit BANYAN_NAME BANYAN_GENERATION BANYAN_PID
//   and for an exit BANYAN_EXIT_CODE or BANYAN_EXIT_SIGNAL, or none when it is not known
// and get the same as one line of JSON on stdin.
// Loop's thread; must live until the loop has stopped.

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "leaf/io/helper_processes.h"
#include "leaf/leaf_event.h"

namespace banyan::leaf {

class TargetHooks {
 public:
  static constexpr Duration time_limit = seconds{30};
  // A sentence for the leaf's own log.
  using Say = std::function<void(const std::string&)>;

  TargetHooks(HelperProcesses& helpers, Say say) : helpers_(helpers), say_(std::move(say)) {}

  void started(const TargetConfig& config, std::uint64_t generation, int pid);
  // It was started by an earlier leaf, which has told so: only its exit is still to be told.
  void adopted(const TargetConfig& config, std::uint64_t generation, int pid);
  void exited(const ProcessExited& event);

 private:
  struct Run {
    TargetConfig config;
    std::uint64_t generation = 0;
    int pid = 0;
  };
  void run(const Run& of, const std::vector<std::string>& command, Environment details,
           std::string json);

  HelperProcesses& helpers_;
  Say say_;
  std::map<std::string, Run> last_;  // of targets with an on_exit; by name
};

}  // namespace banyan::leaf
