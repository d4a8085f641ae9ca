#include "common/io/parent_link.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

namespace banyan::io {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr auto goodbye_linger = milliseconds{200};
constexpr auto retry_interval = milliseconds{2};

}  // namespace

ParentLink::ParentLink(asio::io_context& loop, Emit emit)
    : loop_(loop),
      emit_(std::move(emit)),
      context_(1),
      resolver_(loop),
      probe_(loop),
      retry_timer_(loop) {}

ParentLink::~ParentLink() {
  *alive_ = false;
  if (connection_) connection_->retire(goodbye_linger);
}

void ParentLink::later(std::function<void()> step) {
  asio::post(loop_, [this, alive = alive_, conn = conn_, step = std::move(step)] {
    if (*alive && conn == conn_) step();
  });
}

void ParentLink::dial(tree::ConnId conn, const std::string& host, std::uint16_t port) {
  hang_up(conn_);
  ++counters_.dials;
  conn_ = conn;
  where_ = fmt::format("{}:{}", host, port);
  refused_ = false;
  parent_key_ = keys_ ? keys_->parents.at({host, port}) : "";
  boost::system::error_code error;
  const auto literal = asio::ip::make_address(host, error);
  if (!error) {
    addresses_ = {tcp::endpoint{literal, port}};
    try_next_address();
    return;
  }
  resolver_.async_resolve(host, std::to_string(port),
                          [this, alive = alive_, conn](const boost::system::error_code& failed,
                                                       const tcp::resolver::results_type& found) {
                            if (!*alive || conn != conn_) return;
                            Addresses addresses;
                            for (const auto& entry : found) addresses.push_back(entry.endpoint());
                            resolved(failed, std::move(addresses));
                          });
}

void ParentLink::resolved(const boost::system::error_code& error, Addresses addresses) {
  if (error || addresses.empty()) {
    attempt_failed(fmt::format("cannot resolve {}: {}", where_,
                               error ? error.message() : std::string("no address")));
    return;
  }
  if (addresses.size() > max_addresses) addresses.resize(max_addresses);
  std::reverse(addresses.begin(), addresses.end());
  addresses_ = std::move(addresses);
  try_next_address();
}

void ParentLink::try_next_address() {
  const tcp::endpoint address = addresses_.back();
  addresses_.pop_back();
  ParentConnection::Callbacks callbacks;
  callbacks.ready = [this] {
    broken_handshakes_ = 0;
    flush();
  };
  callbacks.frame = [this](std::string bytes) {
    ++counters_.frames_in;
    emit_(tree::ParentFrame{conn_, std::move(bytes)});
  };
  callbacks.ended = [this, address](std::string why) {
    if (why.empty()) {
      explain(address);
    } else {
      handle_end(judge_handshake(std::move(why)));
    }
  };
  connection_ = std::make_unique<ParentConnection>(
      loop_, context_, fmt::format("parent-{}", ++sockets_), std::move(callbacks));
  if (keys_) connection_->use({keys_->own, parent_key_});
  connection_->connect(address);
}

// libzmq says that connecting failed, but not how: ask the kernel by a connection of our own.
void ParentLink::explain(const tcp::endpoint& address) {
  boost::system::error_code ignored;
  probe_.close(ignored);
  probe_.async_connect(
      address, [this, alive = alive_, conn = conn_](const boost::system::error_code& error) {
        if (!*alive || error == asio::error::operation_aborted) return;
        boost::system::error_code close_error;
        probe_.close(close_error);
        if (conn != conn_) return;
        handle_end(error ? error.message() : std::string("connecting failed, though it works now"));
      });
}

// With a wrong parent_key the parent just hangs up, and so does one that is stopped, or that meets
// a herd of children: only many times in a row are taken for a refusal.
std::string ParentLink::judge_handshake(std::string why) {
  constexpr unsigned patience = 8;
  if (connection_->ready()) return why;
  ++broken_handshakes_;
  refused_ = refused_ || connection_->refused() || (keys_ && broken_handshakes_ >= patience);
  if (!keys_) return why;
  return fmt::format("{}; own key {}, expected key of the parent {}", why,
                     fingerprint(keys_->own.public_key), fingerprint(parent_key_));
}

void ParentLink::handle_end(std::string why) {
  const bool had_begun = connection_ && connection_->ready();
  if (had_begun) {
    report_closed(std::move(why));
  } else {
    attempt_failed(fmt::format("cannot connect to {}: {}", where_, why));
  }
}

void ParentLink::attempt_failed(std::string why) {
  retire_connection(milliseconds{0});
  if (!addresses_.empty()) {
    try_next_address();
    return;
  }
  ++counters_.failures;
  report_closed(std::move(why));
}

void ParentLink::report_closed(std::string why) {
  retire_connection(milliseconds{0});
  counters_.frames_lost += queue_.clear();
  const tree::ConnId conn = std::exchange(conn_, 0);
  emit_(tree::ParentClosed{conn, std::move(why), refused_});
}

// It may be on the stack below us, so the loop destroys it.
void ParentLink::retire_connection(milliseconds linger) {
  if (!connection_) return;
  connection_->retire(linger);
  retired_.push_back(std::move(connection_));
  asio::post(loop_, [this, alive = alive_] {
    if (*alive) retired_.clear();
  });
}

void ParentLink::hang_up(tree::ConnId conn) {
  if (conn == 0 || conn != conn_) return;
  flush();
  retire_connection(goodbye_linger);
  counters_.frames_lost += queue_.clear();
  addresses_.clear();
  resolver_.cancel();
  boost::system::error_code ignored;
  probe_.close(ignored);
  conn_ = 0;
}

void ParentLink::send(tree::ConnId conn, std::string bytes) {
  if (conn == 0 || conn != conn_) {
    ++counters_.frames_lost;
    return;
  }
  if (!queue_.push(std::move(bytes))) {
    ++counters_.frames_lost;
    ++counters_.overflows;
    later([this] { report_closed("the parent does not read: 4 MiB are waiting for it"); });
    return;
  }
  flush();
}

void ParentLink::flush() {
  if (!connection_ || !connection_->ready()) return;
  while (!queue_.empty()) {
    const Sent sent = connection_->send(queue_.front());
    if (sent == Sent::busy) {
      retry_later();
      return;
    }
    if (sent == Sent::gone) return;  // the monitor tells why
    ++counters_.frames_out;
    queue_.pop();
  }
}

void ParentLink::retry_later() {
  if (retry_armed_) return;
  retry_armed_ = true;
  retry_timer_.expires_after(retry_interval);
  retry_timer_.async_wait([this, alive = alive_](const boost::system::error_code& error) {
    if (!*alive || error) return;
    retry_armed_ = false;
    flush();
  });
}

}  // namespace banyan::io
