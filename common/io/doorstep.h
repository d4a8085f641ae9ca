#pragma once
// Connections of a listening socket with keys that have not said a word yet: strangers, or children
// in the middle of the handshake. libzmq closes those that are not through it in time; until then
// each costs memory, and may have sent as much of one handshake command as a frame may hold.
//
// Bounds: `most` of them; one more puts out the oldest, if that has had `patience`, and else is put
// out itself (children dial again). One that has sent more than `max_bytes` is put out; looked at
// every `interval` while there are any. One thread; called by ChildLink, which reads the socket
// monitor before: a descriptor named here is still that connection's.

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <unordered_map>

#include "common/base/time.h"

namespace banyan::io {

class Doorstep {
 public:
  static constexpr std::size_t most = 256;
  static constexpr Duration patience = seconds{1};
  static constexpr Duration interval = milliseconds{5};
  static constexpr std::uint64_t max_bytes = 16 << 10;

  // `refresh` reads the monitor; called from the loop before descriptors are looked at.
  Doorstep(boost::asio::io_context& loop, std::function<void()> refresh);
  ~Doorstep() { *alive_ = false; }
  Doorstep(const Doorstep&) = delete;
  Doorstep& operator=(const Doorstep&) = delete;

  void accepted(int descriptor, Time now);
  // When all news of the monitor are read.
  void keep_to_limit(Time now);
  // Its first frame was read, or it has ended.
  void left(int descriptor);

 private:
  struct Arrival {
    int descriptor = -1;
    Time at{};
  };
  void look_later();
  void look();
  void turn_away(int descriptor);

  boost::asio::steady_timer timer_;
  std::function<void()> refresh_;
  bool armed_ = false;
  std::map<std::uint64_t, Arrival> arrivals_;  // oldest first
  std::unordered_map<int, std::uint64_t> by_descriptor_;
  std::uint64_t last_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // the timer may outlive us
};

}  // namespace banyan::io
