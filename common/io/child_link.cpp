#include "common/io/child_link.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/post.hpp>

#include <utility>

#include "common/io/clock.h"
#include "common/io/resolve.h"

namespace banyan::io {
namespace {

constexpr int frames_per_turn = 256;
constexpr std::uint64_t frames_before_verdict = 4096;
constexpr auto retry_interval = milliseconds{2};
constexpr int listen_backlog = 4096;  // a herd of reconnecting children fits

std::uint16_t port_of(const std::string& endpoint) {
  return static_cast<std::uint16_t>(std::stoul(endpoint.substr(endpoint.rfind(':') + 1)));
}

}  // namespace

// One I/O thread: with more, a child's first frame could be read before the news that its
// connection was accepted (connection_table.h).
ChildLink::ChildLink(boost::asio::io_context& loop, Emit emit)
    : loop_(loop),
      emit_(std::move(emit)),
      context_(1),
      router_(context_, zmq::socket_type::router),
      retry_timer_(loop) {}

ChildLink::~ChildLink() { *alive_ = false; }

void ChildLink::protect(ChildKeys keys, KeyGuard::Note note) {
  guard_ = std::make_unique<KeyGuard>(context_, std::move(keys), std::move(note));
  doorstep_ = std::make_unique<Doorstep>(loop_, [this] { read_monitor(); });
  departures_ = std::make_unique<Departures>(loop_, [this](tree::ConnId conn) {
    read_monitor();
    const ChildConnection* connection = table_.find(conn);
    if (connection != nullptr && table_.owns_descriptor(*connection)) {
      hang_up(connection->descriptor);
    }
  });
}

Result<std::uint16_t> ChildLink::listen(const std::string& host, std::uint16_t port) {
  const auto address = resolve_listen_host(host);
  if (!address) return tl::unexpected(address.error());
  set_link_options(router_);
  router_.set(zmq::sockopt::router_mandatory, true);
  router_.set(zmq::sockopt::backlog, listen_backlog);
  if (guard_) guard_->protect(router_);
  monitor_ = std::make_unique<Monitor>(context_, router_, "children");
  const std::string endpoint = use_address(router_, *address, port);
  try {
    router_.bind(endpoint);
  } catch (const zmq::error_t& error) {
    monitor_.reset();
    return failure("cannot listen for children", fmt::format("{}:{}", host, port), error.what(),
                   error.num() == EADDRINUSE ? "another program has this port; set `port`" : "");
  }
  pump_ = std::make_unique<Pump>(loop_, [this] { return turn(); });
  pump_->watch(router_);
  pump_->watch(monitor_->reader());
  if (guard_) pump_->watch(guard_->socket());
  return port_of(router_.get(zmq::sockopt::last_endpoint));
}

bool ChildLink::turn() {
  read_monitor();
  const bool more = guard_ && guard_->turn();
  for (int count = 0; count < frames_per_turn; ++count) {
    if (receive_one()) continue;
    report(true);
    return more;
  }
  report(false);
  return true;
}

bool ChildLink::receive_one() {
  zmq::message_t routing_id;
  if (!receive_part(router_, routing_id)) return false;
  zmq::message_t body;
  if (!routing_id.more() || !receive_part(router_, body)) return true;
  ++received_;
  handle_message(routing_id, body);
  return true;
}

void ChildLink::handle_message(zmq::message_t& routing_id, zmq::message_t& body) {
  const bool multipart = drop_rest(router_, body);
  const std::string name = routing_id.to_string();
  ChildConnection* connection = table_.find(name);
  if (connection == nullptr && table_.was_forgotten(name)) {
    ++counters_.frames_late;
    return;
  }
  if (connection == nullptr) connection = introduce(name, body);
  if (!is_admitted(*connection, body, multipart)) return;
  ++counters_.frames_in;
  if (multipart) {
    ++counters_.multipart;
    refuse(*connection, "protocol error: a message of several parts");
    return;
  }
  connection->told = false;
  emit_(tree::ChildFrame{connection->id, body.to_string(), connection->holder});
}

// What is admitted is the key by which a frame came, not the name that its sender gave itself.
bool ChildLink::is_admitted(ChildConnection& connection, zmq::message_t& body, bool multipart) {
  if (!guard_) return true;
  const std::string key = KeyGuard::key_of(body);
  if (connection.key.empty() && !connection.barred) {
    connection.key = key;
    connection.holder = guard_->find(key);
    if (connection.holder == nullptr && guard_->is_token(key)) {
      enrol(connection, body, multipart);
      return false;
    }
    if (connection.holder == nullptr) bar(connection, "its key is not admitted");
  }
  if (!connection.barred && connection.key == key) return true;
  ++counters_.barred;
  return false;
}

// One frame, one answer; whatever else comes by this connection is nobody's.
void ChildLink::enrol(ChildConnection& connection, zmq::message_t& body, bool multipart) {
  connection.barred = true;
  connection.told = true;
  const std::string answer =
      guard_->enrol(connection.key, multipart ? std::string_view{} : body.to_string_view());
  send_frame(router_, connection.routing_id, answer);
  pump_->schedule();
  departures_->add(connection.id);
}

void ChildLink::bar(ChildConnection& connection, std::string why) {
  connection.barred = true;
  refuse(connection, std::move(why));
  read_monitor();  // of a connection that has ended the descriptor is somebody else's
  if (connection.descriptor >= 0) hang_up(connection.descriptor);
}

std::size_t ChildLink::change_keys(KeyList admitted) {
  if (!guard_) return 0;
  guard_->replace(std::move(admitted));
  std::vector<ChildConnection*> ended;
  table_.for_each([&](ChildConnection& connection) {
    if (connection.barred || connection.holder == nullptr) return;
    const auto now = guard_->find(connection.key);
    const auto before = std::exchange(connection.holder, now);
    const bool same = now != nullptr && now->name == before->name &&
                      (now->role.empty() || now->role == before->role);
    if (same) return;
    connection.holder = before;
    ended.push_back(&connection);
  });
  for (ChildConnection* connection : ended) {
    guard_->note_refused(connection->key,
                         fmt::format("key {} of {} was struck off the list: hung up on",
                                     connection->holder->fingerprint, connection->holder->name));
    bar(*connection, fmt::format("its key {} was revoked", connection->holder->fingerprint));
  }
  pump_->schedule();
  return ended.size();
}

ChildConnection* ChildLink::introduce(const std::string& routing_id, zmq::message_t& body) {
  const int descriptor = source_descriptor(body);
  read_monitor();
  // Takes in what the I/O thread has said of peers that went, so that a send to one of them fails.
  pump_->check(router_);
  const ConnectionTable::Added added = table_.add(routing_id, descriptor);
  if (doorstep_) doorstep_->left(descriptor);
  if (added.shared) ++counters_.shared;
  if (added.born_dead) {
    ++counters_.born_dead;
    judge(*added.connection, "connection closed");
  }
  return added.connection;
}

void ChildLink::refuse(ChildConnection& connection, std::string why) {
  counters_.frames_lost += connection.queue.clear();
  unsent_.erase(connection.id);
  if (connection.told) return;
  connection.told = true;
  emit_(tree::ChildClosed{connection.id, std::move(why)});
}

void ChildLink::read_monitor() {
  MonitorEvent event;
  std::string text;
  while (monitor_->next(event)) {
    if (event.event == ZMQ_EVENT_ACCEPTED) {
      ++counters_.accepted;
      table_.accepted(event.value);
      if (doorstep_) doorstep_->accepted(event.value, read_clock().time);
    } else if (event.event == ZMQ_EVENT_DISCONNECTED) {
      ++counters_.closed;
      if (doorstep_) doorstep_->left(event.value);
      const auto ended = table_.disconnected(event.value);
      if (ended.empty()) ++counters_.never_spoke;
      for (ChildConnection* connection : ended) judge(*connection, "connection closed");
    } else if (is_handshake_failure(event, text)) {
      ++counters_.handshake_failures;
      // Of whom the guard has refused it has told already.
      const bool told = event.event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
      if (guard_ && !told) guard_->note_refused(text, text);
    }
  }
  if (doorstep_) doorstep_->keep_to_limit(read_clock().time);
}

// The news is held back until the socket is found empty: what the peer sent before it went is
// readable by now, and comes first.
void ChildLink::judge(ChildConnection& connection, std::string why) {
  counters_.frames_lost += connection.queue.clear();
  unsent_.erase(connection.id);
  verdicts_.push_back(Verdict{connection.id, std::move(why), received_ + frames_before_verdict});
}

void ChildLink::report(bool everything) {
  while (!verdicts_.empty() && (everything || verdicts_.front().at_latest <= received_)) {
    Verdict verdict = std::move(verdicts_.front());
    verdicts_.pop_front();
    ChildConnection* connection = table_.find(verdict.conn);
    if (connection == nullptr) continue;
    const bool news = !connection->told;
    connection->told = true;
    if (connection->state == ChildConnection::State::closed) table_.forget(verdict.conn);
    if (news) emit_(tree::ChildClosed{verdict.conn, std::move(verdict.why)});
  }
}

// Ends what we had with it. The connection itself stays: a ROUTER cannot hang up.
void ChildLink::end(ChildConnection& connection, std::string why) {
  judge(connection, std::move(why));
  pump_->schedule();
}

void ChildLink::send(tree::ConnId conn, std::string bytes) {
  ChildConnection* connection = table_.find(conn);
  if (connection == nullptr || connection->state == ChildConnection::State::closed) {
    ++counters_.frames_lost;
    return;
  }
  if (!connection->queue.push(std::move(bytes))) {
    ++counters_.frames_lost;
    ++counters_.overflows;
    end(*connection, "it does not read: 4 MiB are waiting for it");
    return;
  }
  flush(*connection);
}

// The descriptor is libzmq's: it is only looked at. One that several connections share, or that was
// closed and used again since, is nobody's.
void ChildLink::examine(tree::ConnId conn) {
  tree::ChildExamined found;
  found.conn = conn;
  const ChildConnection* connection = table_.find(conn);
  if (connection != nullptr && table_.owns_descriptor(*connection)) {
    tcp_info info{};
    socklen_t size = sizeof info;
    const int descriptor = connection->descriptor;
    found.known = ::getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) == 0;
    found.unacked = info.tcpi_unacked;
    found.since_ack = milliseconds{info.tcpi_last_ack_recv};
  }
  boost::asio::post(loop_, [this, found, alive = alive_] {
    if (*alive) emit_(found);
  });
}

void ChildLink::flush(ChildConnection& connection) {
  SendQueue& queue = connection.queue;
  while (!queue.empty()) {
    const Sent sent = send_frame(router_, connection.routing_id, queue.front());
    if (sent == Sent::busy) break;
    if (sent == Sent::gone) {
      ++counters_.unreachable;
      table_.close(connection);
      end(connection, "connection closed (no route to it)");
      return;
    }
    ++counters_.frames_out;
    queue.pop();
  }
  pump_->check(router_);
  if (queue.empty()) {
    unsent_.erase(connection.id);
  } else {
    unsent_.insert(connection.id);
    retry_later();
  }
}

void ChildLink::retry_later() {
  if (retry_armed_) return;
  retry_armed_ = true;
  retry_timer_.expires_after(retry_interval);
  retry_timer_.async_wait([this, alive = alive_](const boost::system::error_code& error) {
    if (*alive && !error) retry();
  });
}

void ChildLink::retry() {
  retry_armed_ = false;
  const std::set<tree::ConnId> waiting = unsent_;
  for (const tree::ConnId id : waiting) {
    ChildConnection* connection = table_.find(id);
    if (connection != nullptr) flush(*connection);
  }
}

}  // namespace banyan::io
