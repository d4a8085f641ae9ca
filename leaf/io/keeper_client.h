#pragma once
// The leaf's end of its keeper, while the loop runs: packets out, in order; news in.
//
// Never waits: what the socket does not take is kept back, at most about as much as there are
// targets. Hooks are called from the loop. Loop's thread; must live until the loop has stopped.

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "leaf/io/descriptor.h"
#include "leaf/io/keeper_start.h"
#include "leaf/io/keeper_wire.h"

namespace banyan::leaf {

class KeeperClient {
 public:
  struct Hooks {
    std::function<void(const keeper::Message&, Descriptor pidfd)> launched;
    std::function<void(const keeper::Message&)> exited;
    std::function<void()> lost;  // once; it is gone, nothing comes any more
  };

  KeeperClient(boost::asio::io_context& loop, Descriptor socket, Hooks hooks);

  // Of its wire, as its welcome says; 0 = that has not come yet.
  std::uint32_t version() const { return version_; }
  void set_version(std::uint32_t version) { version_ = version; }
  // With copies of descriptors and block: the originals may go at once.
  void send(const keeper::Packet& packet);
  // For packets without descriptors that nobody waits for: they go together, when the loop has done
  // what it is at, or before a last word (send_last). A launch may overtake them.
  void send_soon(const keeper::Message& message);
  void send_last(const keeper::Message& message);
  // The keeper's socket has taken all that was sent.
  bool flushed() const { return kept_.empty() && soon_.empty(); }
  std::uint64_t orphans() const { return orphans_; }

 private:
  struct Kept {
    keeper::Message message;
    std::vector<Descriptor> descriptors;
    std::string block;
  };
  bool send_now(const keeper::Packet& packet);
  void send_those_that_wait();
  void wait_for_packets();
  void receive();
  void wait_for_room();
  void send_kept();
  void lose();

  boost::asio::posix::stream_descriptor socket_;
  boost::asio::steady_timer timer_;
  Hooks hooks_;
  std::deque<Kept> kept_;
  std::vector<keeper::Message> soon_;
  std::uint64_t orphans_ = 0;
  std::uint32_t version_ = 0;
  bool lost_ = false;
};

}  // namespace banyan::leaf
