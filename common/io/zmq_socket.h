#pragma once
// What both halves of a link need of ZeroMQ: options, the socket monitor, receiving one frame.
// Stable API only. Nothing here waits. One thread.

#include <boost/asio/ip/address.hpp>
#include <cstdint>
#include <string>
#include <zmq.hpp>

namespace banyan::io {

inline constexpr int max_frame_bytes = 256 << 10;
inline constexpr int high_water_frames = 256;

// MAXMSGSIZE, small high-water marks, linger 0, no ZMTP heartbeats.
void set_link_options(zmq::socket_t& socket);

// "tcp://address:port" of a numeric address; turns IPv6 on when it is one (never otherwise: libzmq
// would then map names and IPv4 addresses into IPv6).
std::string use_address(zmq::socket_t& socket, const boost::asio::ip::address& address,
                        std::uint16_t port);

// What libzmq's I/O thread says of a socket's connections.
struct MonitorEvent {
  int event = 0;  // ZMQ_EVENT_...
  int value = 0;  // mostly the descriptor; for handshake failures a code or errno
};

// Reads the monitor of one socket. Its reader has no high-water mark: an unread monitor would stop
// the I/O thread, and with it the socket itself.
class Monitor {
 public:
  // Begin before bind or connect. `name` is unique within the context.
  Monitor(zmq::context_t& context, zmq::socket_t& observed, const std::string& name);
  ~Monitor();
  Monitor(const Monitor&) = delete;
  Monitor& operator=(const Monitor&) = delete;

  // False: nothing more at present.
  bool next(MonitorEvent& event);
  zmq::socket_t& reader() { return reader_; }

 private:
  zmq::socket_t& observed_;
  zmq::socket_t reader_;
};

// True when the event says that a handshake failed; `text` says how.
bool is_handshake_failure(const MonitorEvent& event, std::string& text);

// That failure is an answer: the same attempt would fail again.
bool is_refusal(const MonitorEvent& event);

// The descriptor by which a received message came, or -1. The option behind it is deprecated in
// libzmq's header; with -1 the caller falls back to silence as the only evidence.
int source_descriptor(zmq::message_t& message);

// The peer of this connection sees it closed; libzmq then closes it here, as if the peer had.
void hang_up(int descriptor);

enum class Sent { done, busy, gone };
// `flags`: ZMQ_SNDMORE or 0.
Sent send_part(zmq::socket_t& socket, const std::string& bytes, int flags);
// Sends one frame without waiting, to `routing_id` unless that is empty (DEALER). Busy: the
// high-water mark is reached; gone: ROUTER knows no such peer (any more), or the socket is closed.
Sent send_frame(zmq::socket_t& socket, const std::string& routing_id, const std::string& bytes);

// Receives one part without waiting. False: nothing there.
bool receive_part(zmq::socket_t& socket, zmq::message_t& part);
// Receives and drops what is left of a multipart message whose last part read was `part`.
// True when there was anything, which is an error in this protocol.
bool drop_rest(zmq::socket_t& socket, const zmq::message_t& part);

}  // namespace banyan::io
