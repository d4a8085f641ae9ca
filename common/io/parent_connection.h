#pragma once
// One attempt to reach one address of a parent: one DEALER socket, never reconnected by libzmq.
// Used by ParentLink only. After `ended` was called nothing more is reported. The callbacks run
// from the loop, never from within a member function; within them the connection must not be
// destroyed (retire() it and destroy it from the loop). One thread.

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <string>
#include <zmq.hpp>

#include "common/base/time.h"
#include "common/io/link_keys.h"
#include "common/io/pump.h"
#include "common/io/zmq_socket.h"

namespace banyan::io {

class ParentConnection {
 public:
  struct Callbacks {
    std::function<void()> ready;  // the handshake is done: frames may be sent
    std::function<void(std::string)> frame;
    // `why` is empty when the TCP connection was not made: libzmq does not tell the reason.
    std::function<void(std::string why)> ended;
  };
  // Both sides' keys of one connection.
  struct Keys {
    KeyPair own;
    std::string parent;  // the public key that the parent must have
  };

  // `name` is unique within the context. Throws nothing; a failure is reported as an end.
  ParentConnection(boost::asio::io_context& loop, zmq::context_t& context, std::string name,
                   Callbacks callbacks);

  // Before connect().
  void use(const Keys& keys);
  void connect(const boost::asio::ip::tcp::endpoint& address);
  Sent send(const std::string& bytes);
  // Reports nothing any more; frames handed over go out for at most `linger` once it is destroyed.
  void retire(milliseconds linger);

  // The handshake was completed once.
  bool ready() const { return ready_; }
  // The parent has said that it will not have us, or speaks without keys where we have them.
  bool refused() const { return refused_; }

 private:
  bool turn();
  bool receive_one();
  void read_monitor();
  void finish(std::string why);

  Callbacks callbacks_;
  zmq::socket_t dealer_;
  Monitor monitor_;
  Pump pump_;
  bool ready_ = false;
  bool ended_ = false;  // reported, or retired
  bool gone_ = false;   // the monitor told of the end; what came before it is still read
  std::string gone_why_;
  std::string handshake_failure_;
  bool refused_ = false;
};

}  // namespace banyan::io
