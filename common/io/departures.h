#pragma once
// Connections that have been answered for the last time: each has `patience` to read it and go, and
// is then hung up on. Bound: `most`; one more puts out the oldest at once. One thread.

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <functional>
#include <memory>

#include "common/base/time.h"
#include "common/tree/node_event.h"

namespace banyan::io {

class Departures {
 public:
  static constexpr std::size_t most = 64;
  static constexpr Duration patience = seconds{1};

  // `put_out` hangs up, if there is still anybody.
  Departures(boost::asio::io_context& loop, std::function<void(tree::ConnId)> put_out);
  ~Departures() { *alive_ = false; }
  Departures(const Departures&) = delete;
  Departures& operator=(const Departures&) = delete;

  void add(tree::ConnId conn);

 private:
  struct Leaving {
    tree::ConnId conn = 0;
    Time until{};
  };
  void put_out_first();
  void wait();

  boost::asio::steady_timer timer_;
  std::function<void(tree::ConnId)> put_out_;
  std::deque<Leaving> leaving_;  // oldest first
  bool armed_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // the timer may outlive us
};

}  // namespace banyan::io
