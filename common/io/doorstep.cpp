#include "common/io/doorstep.h"

#include <utility>
#include <vector>

#include "common/io/tcp_facts.h"
#include "common/io/zmq_socket.h"

namespace banyan::io {
Doorstep::Doorstep(boost::asio::io_context& loop, std::function<void()> refresh)
    : timer_(loop), refresh_(std::move(refresh)) {}

void Doorstep::accepted(int descriptor, Time now) {
  left(descriptor);
  arrivals_[++last_] = {descriptor, now};
  by_descriptor_[descriptor] = last_;
  look_later();
}

void Doorstep::keep_to_limit(Time now) {
  while (arrivals_.size() > most) {
    const Arrival oldest = arrivals_.begin()->second;
    const bool had_its_time = now - oldest.at >= patience;
    turn_away(had_its_time ? oldest.descriptor : arrivals_.rbegin()->second.descriptor);
  }
}

void Doorstep::left(int descriptor) {
  const auto found = by_descriptor_.find(descriptor);
  if (found == by_descriptor_.end()) return;
  arrivals_.erase(found->second);
  by_descriptor_.erase(found);
}

void Doorstep::turn_away(int descriptor) {
  left(descriptor);
  hang_up(descriptor);
}

void Doorstep::look_later() {
  if (armed_ || arrivals_.empty()) return;
  armed_ = true;
  timer_.expires_after(interval);
  timer_.async_wait([this, alive = alive_](const boost::system::error_code& error) {
    if (!*alive || error) return;
    armed_ = false;
    look();
  });
}

void Doorstep::look() {
  refresh_();
  std::vector<int> talkative;
  for (const auto& [order, arrival] : arrivals_) {
    if (bytes_received(arrival.descriptor) > max_bytes) talkative.push_back(arrival.descriptor);
  }
  for (const int descriptor : talkative) turn_away(descriptor);
  look_later();
}

}  // namespace banyan::io
