#include "common/io/pump.h"

#include <boost/asio/post.hpp>
#include <utility>

namespace banyan::io {

Pump::Pump(boost::asio::io_context& loop, std::function<bool()> turn)
    : loop_(loop), turn_(std::move(turn)) {}

Pump::~Pump() {
  *alive_ = false;
  for (auto& watched : watched_) watched->descriptor.release();
}

void Pump::watch(zmq::socket_t& socket) {
  const int descriptor = socket.get(zmq::sockopt::fd);
  watched_.push_back(std::make_unique<Watched>(
      Watched{boost::asio::posix::stream_descriptor{loop_, descriptor}, false}));
  schedule();
}

void Pump::schedule() {
  if (scheduled_) return;
  scheduled_ = true;
  boost::asio::post(loop_, [this, alive = alive_] {
    if (*alive) run_turn();
  });
}

void Pump::check(zmq::socket_t& socket) {
  if ((socket.get(zmq::sockopt::events) & ZMQ_POLLIN) != 0) schedule();
}

void Pump::run_turn() {
  scheduled_ = false;
  if (turn_()) {
    schedule();
    return;
  }
  for (auto& watched : watched_) wait(*watched);
}

void Pump::wait(Watched& watched) {
  if (watched.waiting) return;
  watched.waiting = true;
  watched.descriptor.async_wait(
      boost::asio::posix::descriptor_base::wait_read,
      [this, alive = alive_, &watched](const boost::system::error_code& error) {
        if (!*alive) return;
        watched.waiting = false;
        if (!error) schedule();
      });
}

}  // namespace banyan::io
