#include "common/io/departures.h"

#include <utility>

#include "common/io/clock.h"

namespace banyan::io {

Departures::Departures(boost::asio::io_context& loop, std::function<void(tree::ConnId)> put_out)
    : timer_(loop), put_out_(std::move(put_out)) {}

void Departures::add(tree::ConnId conn) {
  leaving_.push_back({conn, after(read_clock().time, patience)});
  if (leaving_.size() > most) put_out_first();
  wait();
}

void Departures::put_out_first() {
  const Leaving first = leaving_.front();
  leaving_.pop_front();
  put_out_(first.conn);
}

void Departures::wait() {
  if (armed_ || leaving_.empty()) return;
  armed_ = true;
  timer_.expires_after(leaving_.front().until - read_clock().time);
  timer_.async_wait([this, alive = alive_](const boost::system::error_code& error) {
    if (!*alive || error) return;
    armed_ = false;
    while (!leaving_.empty() && leaving_.front().until <= read_clock().time) put_out_first();
    wait();
  });
}

}  // namespace banyan::io
