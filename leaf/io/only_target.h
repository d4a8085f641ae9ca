#pragma once
// `run`: the leaf is there for one target alone, as the first process of a container often is.
//
// TERM and INT stop the target, by the first of its stop signals or by the one they are rewritten
// to; HUP QUIT USR1 USR2 WINCH go to its process group, or whatever they are rewritten to; what is
// rewritten to 0 is dropped. A signal that is rewritten to TERM or INT stops. Loop's thread.

#include <functional>
#include <map>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include "leaf/target_config.h"

namespace banyan::leaf {

class OnlyTarget {
 public:
  struct Hooks {
    std::function<void(int number)> forward;     // to its process group
    std::function<void(int first_signal)> stop;  // 0 = as configured
  };

  OnlyTarget(boost::asio::io_context& loop, Hooks hooks);

  // Once; from then on it hears of signals that the loop does not know.
  void begin(const TargetConfig& target, const std::map<int, int>& rewrite);
  bool active() const { return !target_.name.empty(); }
  const TargetConfig& target() const { return target_; }
  void on_signal(int number);

 private:
  void wait();

  Hooks hooks_;
  boost::asio::signal_set signals_;
  TargetConfig target_;
  std::map<int, int> rewrite_;
};

}  // namespace banyan::leaf
