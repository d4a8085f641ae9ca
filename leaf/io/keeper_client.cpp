#include "leaf/io/keeper_client.h"

#include <fcntl.h>

#include <cerrno>
#include <utility>

#include <boost/asio/post.hpp>

namespace banyan::leaf {
namespace {

using boost::system::error_code;

constexpr unsigned packets_per_turn = 64;
constexpr auto retry_after = std::chrono::milliseconds{2};

}  // namespace

KeeperClient::KeeperClient(boost::asio::io_context& loop, Descriptor socket, Hooks hooks)
    : socket_(loop, socket.release()), timer_(loop), hooks_(std::move(hooks)) {
  wait_for_packets();
}

bool KeeperClient::send_now(const keeper::Packet& packet) {
  if (keeper::send_packet(socket_.native_handle(), packet) == 0) return true;
  // Anything else than "later" means that it is gone, which is heard by reading.
  return errno != EAGAIN && errno != ETOOMANYREFS;
}

void KeeperClient::send(const keeper::Packet& packet) {
  if (lost_) return;
  if (kept_.empty() && send_now(packet)) return;
  Kept kept;
  kept.message = packet.message;
  if (packet.block != nullptr) kept.block.assign(packet.block, packet.message.block_size);
  for (std::size_t i = 0; i < packet.count; ++i) {
    kept.descriptors.emplace_back(::fcntl(packet.descriptors[i], F_DUPFD_CLOEXEC, 3));
  }
  kept_.push_back(std::move(kept));
  if (kept_.size() == 1) wait_for_room();
}

void KeeperClient::send_soon(const keeper::Message& message) {
  if (lost_) return;
  soon_.push_back(message);
  if (soon_.size() > 1) return;
  boost::asio::post(socket_.get_executor(), [this] { send_those_that_wait(); });
}

void KeeperClient::send_those_that_wait() {
  for (const keeper::Message& message : std::exchange(soon_, {})) {
    keeper::Packet packet;
    packet.message = message;
    send(packet);
  }
}

void KeeperClient::send_last(const keeper::Message& message) {
  send_those_that_wait();
  keeper::Packet packet;
  packet.message = message;
  send(packet);
}

void KeeperClient::wait_for_room() {
  timer_.expires_after(retry_after);
  timer_.async_wait([this](const error_code& error) {
    if (!error && !lost_) send_kept();
  });
}

void KeeperClient::send_kept() {
  while (!kept_.empty()) {
    keeper::Packet packet;
    packet.message = kept_.front().message;
    packet.block = kept_.front().block.data();
    for (const Descriptor& each : kept_.front().descriptors) packet.add(each.get());
    if (!send_now(packet)) return wait_for_room();
    kept_.pop_front();
  }
}

void KeeperClient::wait_for_packets() {
  socket_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                     [this](const error_code& error) {
                       if (!error) receive();
                     });
}

void KeeperClient::receive() {
  for (unsigned i = 0; i < packets_per_turn && !lost_; ++i) {
    keeper::Packet packet;
    const int got = keeper::receive_packet(socket_.native_handle(), packet);
    if (got < 0 && errno == EAGAIN) break;
    if (got <= 0) return lose();
    std::vector<Descriptor> owned;
    for (std::size_t n = 0; n < packet.count; ++n) owned.emplace_back(packet.descriptors[n]);
    if (packet.message.orphans > orphans_) orphans_ = packet.message.orphans;
    if (packet.message.kind == keeper::Kind::welcome) {
      version_ = packet.message.version;
    } else if (packet.message.kind == keeper::Kind::launched) {
      hooks_.launched(packet.message, owned.empty() ? Descriptor() : std::move(owned[0]));
    } else if (packet.message.kind == keeper::Kind::exited) {
      hooks_.exited(packet.message);
    }
  }
  if (!lost_) wait_for_packets();
}

void KeeperClient::lose() {
  lost_ = true;
  kept_.clear();
  soon_.clear();
  timer_.cancel();
  hooks_.lost();
}

}  // namespace banyan::leaf
