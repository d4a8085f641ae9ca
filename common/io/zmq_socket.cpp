#include "common/io/zmq_socket.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace banyan::io {
namespace {

constexpr int monitored = ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CLOSED |
                          ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                          ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;

}  // namespace

void set_link_options(zmq::socket_t& socket) {
  socket.set(zmq::sockopt::linger, 0);
  socket.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(max_frame_bytes));
  socket.set(zmq::sockopt::sndhwm, high_water_frames);
  socket.set(zmq::sockopt::rcvhwm, high_water_frames);
  socket.set(zmq::sockopt::heartbeat_ivl, 0);
  socket.set(zmq::sockopt::tcp_maxrt, 30'000);  // a net for powered-off peers, in ms
}

std::string use_address(zmq::socket_t& socket, const boost::asio::ip::address& address,
                        std::uint16_t port) {
  if (!address.is_v6()) return fmt::format("tcp://{}:{}", address.to_string(), port);
  socket.set(zmq::sockopt::ipv6, true);
  return fmt::format("tcp://[{}]:{}", address.to_string(), port);
}

Monitor::Monitor(zmq::context_t& context, zmq::socket_t& observed, const std::string& name)
    : observed_(observed), reader_(context, zmq::socket_type::pair) {
  const std::string address = "inproc://" + name;
  reader_.set(zmq::sockopt::rcvhwm, 0);
  reader_.set(zmq::sockopt::linger, 0);
  if (zmq_socket_monitor(observed.handle(), address.c_str(), monitored) != 0) throw zmq::error_t();
  reader_.connect(address);
}

Monitor::~Monitor() { zmq_socket_monitor(observed_.handle(), nullptr, 0); }

bool Monitor::next(MonitorEvent& event) {
  zmq::message_t head;
  while (receive_part(reader_, head)) {
    drop_rest(reader_, head);  // the address
    std::uint16_t kind = 0;
    std::int32_t value = 0;
    if (head.size() != sizeof kind + sizeof value) continue;
    std::memcpy(&kind, head.data(), sizeof kind);
    std::memcpy(&value, static_cast<const char*>(head.data()) + sizeof kind, sizeof value);
    event = MonitorEvent{kind, value};
    return true;
  }
  return false;
}

namespace {

std::string protocol_failure(int code) {
  switch (code) {
    case ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH:
      return "handshake failed: one side has keys and the other has none; a child needs "
             "security.key_file and security.parent_key when its parent has keys";
    case ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC:
      return "handshake failed: what the peer sent does not fit our key; is security.parent_key of "
             "the child the public key of the parent it dials?";
    default:
      return fmt::format("handshake failed: the peer does not speak ZMTP as we do (0x{:08x})",
                         static_cast<unsigned>(code));
  }
}

// Whichever side reads the other's greeting first may hang up before it has sent all of its own, so
// keys on one side only look like this on the other one, and so do a wrong key and a port probe.
std::string hung_up(int error) {
  constexpr const char* guess = "it has no keys, other keys than ours, or is no banyan";
  if (error == 0 || error == EPIPE || error == ECONNRESET) {
    return fmt::format("the peer hung up during the handshake: {}", guess);
  }
  return fmt::format("handshake failed: {}", zmq_strerror(error));
}

}  // namespace

bool is_handshake_failure(const MonitorEvent& event, std::string& text) {
  switch (event.event) {
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
      text = hung_up(event.value);
      return true;
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
      text = protocol_failure(event.value);
      return true;
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
      text = fmt::format("the parent does not admit our key ({})", event.value);
      return true;
    default:
      return false;
  }
}

bool is_refusal(const MonitorEvent& event) {
  return event.event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH ||
         (event.event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL &&
          event.value == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH);
}

int source_descriptor(zmq::message_t& message) { return zmq_msg_get(message.handle(), ZMQ_SRCFD); }

Sent send_part(zmq::socket_t& socket, const std::string& bytes, int flags) {
  for (;;) {
    if (zmq_send(socket.handle(), bytes.data(), bytes.size(), flags | ZMQ_DONTWAIT) >= 0) {
      return Sent::done;
    }
    if (zmq_errno() == EAGAIN) return Sent::busy;
    if (zmq_errno() != EINTR) return Sent::gone;
  }
}

void hang_up(int descriptor) { ::shutdown(descriptor, SHUT_RDWR); }

Sent send_frame(zmq::socket_t& socket, const std::string& routing_id, const std::string& bytes) {
  if (!routing_id.empty()) {
    const Sent head = send_part(socket, routing_id, ZMQ_SNDMORE);
    if (head != Sent::done) return head;
  }
  return send_part(socket, bytes, 0);
}

bool receive_part(zmq::socket_t& socket, zmq::message_t& part) {
  for (;;) {
    try {
      return socket.recv(part, zmq::recv_flags::dontwait).has_value();
    } catch (const zmq::error_t& error) {
      if (error.num() != EINTR) throw;
    }
  }
}

bool drop_rest(zmq::socket_t& socket, const zmq::message_t& part) {
  bool more = part.more();
  const bool any = more;
  zmq::message_t rest;
  while (more && receive_part(socket, rest)) more = rest.more();
  return any;
}

}  // namespace banyan::io
