#pragma once
// Tries a program before it replaces this one: `PROGRAM ARGUMENTS --check` has to exit with 0
// within 10 s. It is a child of this process; whoever reaps children has to ask collect() first.
// `done` is called once per start(), from the loop. One at a time. Loop's thread; must live until
// the loop has stopped.

#include <functional>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "common/base/result.h"
#include "common/io/program.h"

namespace banyan::io {

class ProgramTrial {
 public:
  using Done = std::function<void(Status)>;  // an error says what it said

  explicit ProgramTrial(boost::asio::io_context& loop);

  void start(const Invocation& invocation, Done done);
  // True when this dead child is the trial; it is reaped.
  bool collect(int pid);

 private:
  Status spawn(const Invocation& invocation);
  void wait();
  void finish(Status status);
  // The last of what it wrote.
  std::string words();

  boost::asio::posix::stream_descriptor pidfd_;
  boost::asio::steady_timer timer_;
  std::string program_;
  Done done_;
  int pid_ = 0;  // 0 = none runs
  int output_ = -1;
};

}  // namespace banyan::io
