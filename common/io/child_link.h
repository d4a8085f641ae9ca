#pragma once
// The parent's side of the link: one listening socket for all children.
//
// Reports ChildFrame and ChildClosed, always from the loop, never from within send(). Every
// connection gets a ConnId at its first frame. What it promises:
//   - frames of a connection are reported in order, and all that had arrived before it ended are
//     reported before its ChildClosed (a goodbye is never overtaken by the news of the hang-up);
//   - a connection that is gone is reported once and never comes back;
//   - nobody alive is reported gone: see connection_table.h. The price: a connection that died
//     before its first frame was read, and whose descriptor is in use again, is noticed when it is
//     answered (or, if it never is, by its silence).
// The parent cannot hang up on one child. When *we* end a connection (a multipart message, a full
// queue), ChildClosed is reported, and later frames of it still come as ChildFrame of the same
// ConnId, to be answered with who_are_you; if it then really goes, ChildClosed comes again.
//
// With keys (protect()) a connection is its key's: frames of it say whose, and a key that is struck
// off the list ends its sessions at once and is hung up on. A connection by the key of a token says
// one frame, gets one answer, and is hung up on; no role ever hears of it.
//
// Bounds: frames of 256 KiB, 256 frames in each socket pipe, SendQueue::max_bytes per connection,
// 256 frames a turn of the loop. Every loss is in counters(). One thread. The two I/O threads of a
// relay's two links are apart, since each link has a context of its own.

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <zmq.hpp>

#include "common/base/result.h"
#include "common/io/connection_table.h"
#include "common/io/departures.h"
#include "common/io/doorstep.h"
#include "common/io/key_guard.h"
#include "common/io/pump.h"
#include "common/io/zmq_socket.h"
#include "common/tree/node_event.h"

namespace banyan::io {

struct ChildLinkCounters {
  std::uint64_t frames_in = 0;
  std::uint64_t frames_out = 0;
  std::uint64_t frames_lost = 0;  // handed to send() and dropped
  std::uint64_t frames_late = 0;  // came after their connection was reported gone; dropped
  std::uint64_t accepted = 0;
  std::uint64_t closed = 0;       // by the peer
  std::uint64_t never_spoke = 0;  // connected and went without a frame
  std::uint64_t born_dead = 0;    // gone before their first frame was read
  std::uint64_t shared = 0;       // first frames by a descriptor that another one is bound to
  std::uint64_t multipart = 0;
  std::uint64_t overflows = 0;    // connections ended because their queue was full
  std::uint64_t unreachable = 0;  // sends to a peer that was gone
  std::uint64_t handshake_failures = 0;
  std::uint64_t barred = 0;  // frames of keys that are not admitted; dropped
};

class ChildLink {
 public:
  using Emit = std::function<void(tree::LinkEvent)>;

  ChildLink(boost::asio::io_context& loop, Emit emit);
  ~ChildLink();
  ChildLink(const ChildLink&) = delete;
  ChildLink& operator=(const ChildLink&) = delete;

  // Before listen(): admits the listed keys only. Without it everybody who connects is heard.
  void protect(ChildKeys keys, KeyGuard::Note note);
  // Another list from now on. Returns how many connections that ended.
  std::size_t change_keys(KeyList admitted);

  // Binds; port 0 takes any free one. Returns the port. Call once.
  Result<std::uint16_t> listen(const std::string& host, std::uint16_t port);
  // To an unknown or ended connection: counted and dropped.
  void send(tree::ConnId conn, std::string bytes);
  // Asks the kernel about the connection; the answer is an event, soon.
  void examine(tree::ConnId conn);

  const ChildLinkCounters& counters() const { return counters_; }

 private:
  struct Verdict {  // a ChildClosed that is reported once all that came before it is read
    tree::ConnId conn = 0;
    std::string why;
    std::uint64_t at_latest = 0;  // by then, even if the socket is never found empty
  };

  bool turn();
  bool receive_one();
  bool is_admitted(ChildConnection& connection, zmq::message_t& body, bool multipart);
  void bar(ChildConnection& connection, std::string why);
  void enrol(ChildConnection& connection, zmq::message_t& body, bool multipart);
  void read_monitor();
  void handle_message(zmq::message_t& routing_id, zmq::message_t& body);
  ChildConnection* introduce(const std::string& routing_id, zmq::message_t& body);
  void refuse(ChildConnection& connection, std::string why);
  void judge(ChildConnection& connection, std::string why);
  void report(bool everything);
  void end(ChildConnection& connection, std::string why);
  void flush(ChildConnection& connection);
  void retry_later();
  void retry();

  boost::asio::io_context& loop_;
  Emit emit_;
  zmq::context_t context_;
  std::unique_ptr<KeyGuard> guard_;         // null: a link without keys
  std::unique_ptr<Doorstep> doorstep_;      // as the guard
  std::unique_ptr<Departures> departures_;  // as the guard
  zmq::socket_t router_;
  std::unique_ptr<Monitor> monitor_;
  std::unique_ptr<Pump> pump_;
  ConnectionTable table_;
  std::deque<Verdict> verdicts_;
  std::set<tree::ConnId> unsent_;  // connections whose queue is not empty
  boost::asio::steady_timer retry_timer_;
  bool retry_armed_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // timer handlers may outlive us
  std::uint64_t received_ = 0;
  ChildLinkCounters counters_;
};

}  // namespace banyan::io
