#pragma once
// Short commands that the leaf runs beside a target: exec checks and hooks. Each is a session of
// its own with the target's mark, ids, directory and environment, is killed with its whole group
// when its time is up or when it has ended, and does not outlive EndSubtree of its generation
// unless asked to.
//
// The results are told from the loop, never from inside run() or cancel(), each exactly once
// unless cancelled. At most `helpers_max` at once: more are refused.
// Loop's thread; must live until the loop has stopped.

#include <signal.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "common/base/time.h"
#include "leaf/io/launcher.h"

namespace banyan::leaf {

struct HelperCommand {
  TargetConfig config;  // of the target, with the helper's own command
  std::uint64_t generation = 0;
  Environment environment;  // added
  std::string input;        // stdin; empty = /dev/null; 32 KiB at most
  Duration timeout = seconds{3};
  bool outlives_target = false;  // EndSubtree of the generation leaves it alone
};

struct HelperResult {
  enum class End { exited, signalled, timed_out, not_started };
  End end = End::exited;
  int code = 0;      // exited
  int signal = 0;    // signalled
  std::string text;  // first line of its output, or why it did not start
};

class HelperProcesses {
 public:
  static constexpr std::size_t helpers_max = 1024;
  static constexpr std::size_t output_max = 4096;  // bytes kept of each output
  using Id = std::uint64_t;
  using Done = std::function<void(HelperResult)>;

  HelperProcesses(boost::asio::io_context& loop, std::string instance);

  Id run(HelperCommand command, Done done);
  // Kills it; `done` is not called any more. No such helper: nothing.
  void cancel(Id id);
  // Kills all; nothing is told any more. For the end of the leaf.
  void end_all();
  // A child is dead and not yet reaped: whatever is left of its group is killed. True when it is a
  // helper.
  bool dead(int pid);
  // It was reaped.
  void reaped(const siginfo_t& info);

  std::size_t running() const { return helpers_.size(); }

 private:
  struct Stream {
    boost::asio::posix::stream_descriptor pipe;
    std::string text;  // its first output_max bytes
  };
  struct Helper {
    int pid = 0;  // 0 = reaped
    Done done;
    Stream out;
    Stream err;
    boost::asio::steady_timer timer;
  };
  void wait_for_output(Id id, Stream Helper::*stream);
  void wait_for_timeout(Id id, Duration timeout);
  void refuse(std::string text, Done done);
  void finish(Id id, HelperResult result);
  Helper* find(Id id);

  boost::asio::io_context& loop_;
  Launcher launcher_;
  std::map<Id, std::unique_ptr<Helper>> helpers_;
  std::map<int, Id> ids_;  // by pid, until reaped
  Id last_ = 0;
};

}  // namespace banyan::leaf
