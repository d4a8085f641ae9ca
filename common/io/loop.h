#pragma once
// The event loop of a daemon: one io_context, one thread, one deadline.
//
// A main builds its links and servers on context(), hands each event to its role, performs the
// effects, and calls rearm(). The deadline is asked for, never stored anywhere else; it is watched
// on CLOCK_BOOTTIME, so that time spent in suspend counts and a wake-up is noticed at once.
//
//     Loop loop({.next_deadline = [&] { return role.next_deadline(); },
//                .on_time = [&](Now now) { ...handle TimeReached, perform, loop.rearm()... },
//                .on_signal = [&](int number) { ... }});
//     ... loop.notify_ready("listening on ...");
//     return loop.run();
//
// Declare the Loop before whatever uses its context, so that it is destroyed last.

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <functional>
#include <string>

#include "common/base/time.h"

namespace banyan::io {

class Loop {
 public:
  struct Hooks {
    std::function<Time()> next_deadline;
    std::function<void(Now)> on_time;    // the deadline has come
    std::function<void(int)> on_signal;  // SIGTERM, SIGINT, SIGHUP, SIGUSR2
  };

  explicit Loop(Hooks hooks);
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  boost::asio::io_context& context() { return context_; }

  // After any event was handled: watches the new deadline if it has changed. Cheap when not.
  void rearm();
  // Tells systemd, if it is there. `status` is one line for `systemctl status`.
  void notify_ready(const std::string& status);
  void notify_stopping();

  // Runs until stop(); returns its code. A first deadline is armed here, and signals that waited
  // for their handlers come.
  int run();
  // The loop ends behind the present handler. The first code stays.
  void stop(int code);

 private:
  void wait_for_deadline();
  void wait_for_signal();

  Hooks hooks_;
  boost::asio::io_context context_{1};
  boost::asio::posix::stream_descriptor timer_;
  boost::asio::signal_set signals_;
  Time armed_ = never;
  bool stopped_ = false;
  int code_ = 0;
};

}  // namespace banyan::io
