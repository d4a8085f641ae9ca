#pragma once
// Upgrade in place: on USR2 the program of this process is replaced by what stands on the disk now.
//
//   idle --USR2--> trying --accepted--> waiting --ready--> the new program runs
//                    | refused             | 15 s
//                    +------> idle <-------+  told, and nothing has changed
//
// Waiting: the first 10 s for a moment when nothing is under way, then only for one at which
// nothing would get lost. A USR2 in between is ignored. Once the moment is there, signals are
// blocked, and what was taken from the kernel before is waited for: a TERM is not lost with the
// program that took it; the next one finds it pending. Loop's thread; must live until the loop has
// stopped.

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "common/io/program.h"
#include "common/io/program_trial.h"
#include "common/io/signals_held.h"
#include "common/tree/turn.h"

namespace banyan::io {

class Upgrade {
 public:
  struct Legacy {
    std::string handover;
    std::vector<int> descriptors;  // that stay open
  };
  struct Hooks {
    // Whether the program may be replaced at this very moment. `calm`: and nothing is under way.
    std::function<bool(bool calm)> ready;
    // The last word of this program; when it goes on after all, `refused` is called.
    std::function<Legacy()> leave;
    std::function<void(const std::string& why)> refused;
  };

  Upgrade(boost::asio::io_context& loop, Invocation invocation, Hooks hooks);

  void request();
  // See ProgramTrial.
  bool collect(int pid) { return trial_.collect(pid); }

 private:
  void wait_for_moment();
  bool is_heard_out();
  void look_in(std::chrono::milliseconds delay);
  void replace();
  void refuse(const std::string& why);

  Invocation invocation_;
  Hooks hooks_;
  ProgramTrial trial_;
  boost::asio::steady_timer timer_;
  std::chrono::steady_clock::time_point begun_;
  std::optional<SignalsHeld> held_;  // from the first good moment on
  int looks_left_ = 0;               // until nothing taken earlier can be on its way
  bool busy_ = false;
};

// What is told of it above: "upgraded" with both versions, "upgrade_refused" with the reason.
tree::OwnEvent upgraded_event(const std::string& old_version);
tree::OwnEvent upgrade_refused_event(const std::string& why);

}  // namespace banyan::io
