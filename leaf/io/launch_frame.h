#pragma once
// Everything that the half of a launch in the child needs (launch_child.h), prepared in the leaf:
// strings, ids, limits, the standard input. Called by Launcher; owns what the frame points at.

#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "leaf/io/descriptor.h"
#include "leaf/io/launch_child.h"
#include "leaf/io/launch_environment.h"
#include "leaf/target_config.h"

namespace banyan::leaf {

struct LaunchError {
  int error_number = 0;  // errno
  std::string text;      // "exec /no/such: No such file or directory (ENOENT)"
};

// "what: text of the errno (NAME)more"
LaunchError launch_error(const std::string& what, int error_number, std::string_view more = {});

// Above 2, so that placing 0, 1 and 2 never overwrites a source that is still needed.
Descriptor lifted(Descriptor fd);

class LaunchFrame {
 public:
  // `environment` is the whole one. `input` may be none: then as configured.
  static tl::expected<LaunchFrame, LaunchError> prepare(const TargetConfig& config,
                                                        const TargetUser& user,
                                                        const Environment& environment,
                                                        Descriptor input);
  LaunchFrame(LaunchFrame&&) = default;
  LaunchFrame& operator=(LaunchFrame&&) = default;

  // With all pointers set; valid as long as this lives where it is.
  ChildFrame frame();
  // What the child met; `detail`: limit_index of the frame.
  LaunchError error_of(LaunchStage stage, int error_number, std::size_t detail) const;

 private:
  LaunchFrame() = default;
  void set_scalars(ChildFrame& frame) const;

  TargetConfig config_;
  TargetUser user_;
  std::string working_directory_;  // absolute; empty = where the starter stands
  std::string program_;
  std::vector<std::string> arguments_;
  std::vector<std::string> environment_;
  std::vector<char*> argument_pointers_;
  std::vector<char*> environment_pointers_;
  std::vector<RawLimit> limits_;
  std::string oom_score_adj_;
  Descriptor input_;
};

}  // namespace banyan::leaf
