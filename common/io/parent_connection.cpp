#include "common/io/parent_connection.h"

#include <utility>

namespace banyan::io {
namespace {

constexpr int frames_per_turn = 256;
constexpr int connect_timeout_ms = 5'000;
constexpr int handshake_timeout_ms = 15'000;  // a parent that meets a herd answers late

}  // namespace

ParentConnection::ParentConnection(boost::asio::io_context& loop, zmq::context_t& context,
                                   std::string name, Callbacks callbacks)
    : callbacks_(std::move(callbacks)),
      dealer_(context, zmq::socket_type::dealer),
      monitor_(context, dealer_, name),
      pump_(loop, [this] { return turn(); }) {
  set_link_options(dealer_);
  dealer_.set(zmq::sockopt::reconnect_ivl, -1);
  dealer_.set(zmq::sockopt::connect_timeout, connect_timeout_ms);
  dealer_.set(zmq::sockopt::handshake_ivl, handshake_timeout_ms);
}

void ParentConnection::use(const Keys& keys) {
  dealer_.set(zmq::sockopt::curve_serverkey, key_bytes(keys.parent));
  dealer_.set(zmq::sockopt::curve_publickey, key_bytes(keys.own.public_key));
  dealer_.set(zmq::sockopt::curve_secretkey, key_bytes(keys.own.secret_key));
}

void ParentConnection::connect(const boost::asio::ip::tcp::endpoint& address) {
  const std::string endpoint = use_address(dealer_, address.address(), address.port());
  try {
    dealer_.connect(endpoint);
  } catch (const zmq::error_t& error) {
    gone_ = true;
    gone_why_ = error.what();
  }
  pump_.watch(dealer_);
  pump_.watch(monitor_.reader());
}

Sent ParentConnection::send(const std::string& bytes) {
  const Sent sent = send_frame(dealer_, "", bytes);
  pump_.check(dealer_);
  return sent;
}

void ParentConnection::retire(milliseconds linger) {
  ended_ = true;
  dealer_.set(zmq::sockopt::linger, static_cast<int>(linger.count()));
}

bool ParentConnection::turn() {
  if (ended_) return false;
  read_monitor();
  for (int count = 0; count < frames_per_turn; ++count) {
    if (ended_) return false;
    if (receive_one()) continue;
    if (gone_) finish(gone_why_);
    return false;
  }
  return true;
}

bool ParentConnection::receive_one() {
  zmq::message_t body;
  if (!receive_part(dealer_, body)) return false;
  if (drop_rest(dealer_, body)) {
    finish("protocol error: a message of several parts");
    return true;
  }
  callbacks_.frame(body.to_string());
  return true;
}

void ParentConnection::read_monitor() {
  MonitorEvent event;
  while (!ended_ && monitor_.next(event)) {
    if (event.event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
      ready_ = true;
      callbacks_.ready();
    } else if (event.event == ZMQ_EVENT_DISCONNECTED) {
      gone_ = true;
      gone_why_ = ready_ ? "connection closed" : handshake_failure_;
      if (gone_why_.empty()) gone_why_ = "connection closed during the handshake";
    } else if (event.event == ZMQ_EVENT_CLOSED) {
      gone_ = true;
    } else if (is_handshake_failure(event, handshake_failure_)) {
      refused_ = refused_ || is_refusal(event);  // DISCONNECTED follows
    }
  }
}

void ParentConnection::finish(std::string why) {
  if (ended_) return;
  ended_ = true;
  callbacks_.ended(std::move(why));
}

}  // namespace banyan::io
