#pragma once
// The child's side of the link: at most one connection to a parent, dialled on demand.
//
// Reports ParentFrame and ParentClosed of the present ConnId, always from the loop, never from
// within dial(), hang_up() or send(). A connection that was hung up, or replaced by the next
// dial(), reports nothing any more. A name with several addresses is tried address by address;
// frames sent meanwhile wait. ParentClosed says why: connection refused, unknown name, closed,
// handshake.
//
// Bounds: SendQueue::max_bytes waiting, connect 5 s per address, at most `max_addresses` of them.
// No reconnects of its own: the core decides when to dial. Every loss is in counters(). One thread
// (names are resolved by one of asio's). Destroying it waits up to 200 ms for a goodbye.

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>
#include <zmq.hpp>

#include "common/io/parent_connection.h"
#include "common/io/send_queue.h"
#include "common/tree/node_event.h"

namespace banyan::io {

struct ParentKeys {
  KeyPair own;
  std::map<std::pair<std::string, std::uint16_t>, std::string> parents;  // address -> public key
};

struct ParentLinkCounters {
  std::uint64_t frames_in = 0;
  std::uint64_t frames_out = 0;
  std::uint64_t frames_lost = 0;  // handed to send() and dropped
  std::uint64_t dials = 0;
  std::uint64_t failures = 0;   // dials that never became a connection
  std::uint64_t overflows = 0;  // connections ended because the queue was full
};

class ParentLink {
 public:
  using Emit = std::function<void(tree::LinkEvent)>;
  static constexpr std::size_t max_addresses = 8;

  ParentLink(boost::asio::io_context& loop, Emit emit);
  ~ParentLink();
  ParentLink(const ParentLink&) = delete;
  ParentLink& operator=(const ParentLink&) = delete;

  // Before the first dial(): from now on a connection is made with keys, or not at all.
  void use(ParentKeys keys) { keys_ = std::move(keys); }

  // Closes what there was, as hang_up() does, and opens a new connection named `conn`.
  void dial(tree::ConnId conn, const std::string& host, std::uint16_t port);
  // Frames handed over before go out for at most 200 ms. Of another connection: no-op.
  void hang_up(tree::ConnId conn);
  // To another than the present connection: counted and dropped.
  void send(tree::ConnId conn, std::string bytes);

  const ParentLinkCounters& counters() const { return counters_; }

 private:
  using Addresses = std::vector<boost::asio::ip::tcp::endpoint>;

  void resolved(const boost::system::error_code& error, Addresses addresses);
  void try_next_address();
  void handle_end(std::string why);
  std::string judge_handshake(std::string why);
  void explain(const boost::asio::ip::tcp::endpoint& address);
  void attempt_failed(std::string why);
  void report_closed(std::string why);
  void post_closed(std::string why);
  void retire_connection(milliseconds linger);
  void flush();
  void retry_later();
  // Runs `step` from the loop unless this connection was given up by then.
  void later(std::function<void()> step);

  boost::asio::io_context& loop_;
  Emit emit_;
  zmq::context_t context_;
  boost::asio::ip::tcp::resolver resolver_;
  boost::asio::ip::tcp::socket probe_;
  boost::asio::steady_timer retry_timer_;
  bool retry_armed_ = false;

  std::optional<ParentKeys> keys_;
  std::string parent_key_;          // of the parent that is dialled; empty: without keys
  unsigned broken_handshakes_ = 0;  // in a row
  bool refused_ = false;            // the present attempt

  tree::ConnId conn_ = 0;  // 0: none
  std::string where_;      // "host:port" as dialled
  Addresses addresses_;    // still to be tried, the next one last
  std::unique_ptr<ParentConnection> connection_;
  std::vector<std::unique_ptr<ParentConnection>> retired_;  // until the loop's next turn
  SendQueue queue_;
  std::uint64_t sockets_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // handlers may outlive us
  ParentLinkCounters counters_;
};

}  // namespace banyan::io
