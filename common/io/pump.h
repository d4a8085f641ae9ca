#pragma once
// Reads ZeroMQ sockets on the event loop.
//
// ZMQ_FD is edge-triggered, and any call on the socket may swallow its edge. Hence three rules that
// the user of a Pump keeps:
//   1. a turn receives without waiting until every watched socket says EAGAIN, and returns false;
//      or it stops at its batch limit and returns true: then it is called again behind whatever
//      else the loop has to do;
//   2. after every send outside of a turn `check(socket)` is called: it re-reads ZMQ_EVENTS;
//   3. a turn never waits and never destroys the Pump.
// The descriptors belong to libzmq: they are released, never closed. One thread. The watched
// sockets must outlive the Pump.

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <memory>
#include <vector>
#include <zmq.hpp>

namespace banyan::io {

class Pump {
 public:
  Pump(boost::asio::io_context& loop, std::function<bool()> turn);
  ~Pump();
  Pump(const Pump&) = delete;
  Pump& operator=(const Pump&) = delete;

  void watch(zmq::socket_t& socket);
  // A turn soon, from the loop. Cheap when one is coming already.
  void schedule();
  // schedule() when the socket has something to read.
  void check(zmq::socket_t& socket);

 private:
  struct Watched {
    boost::asio::posix::stream_descriptor descriptor;
    bool waiting = false;
  };

  void run_turn();
  void wait(Watched& watched);

  boost::asio::io_context& loop_;
  std::function<bool()> turn_;
  std::vector<std::unique_ptr<Watched>> watched_;
  bool scheduled_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // handlers may outlive the Pump
};

}  // namespace banyan::io
