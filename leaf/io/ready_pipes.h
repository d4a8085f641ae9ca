#pragma once
// The pipes by which targets say that they are ready: a newline written to the agreed descriptor,
// whatever stands before it (s6's notification-fd). Nothing is read before somebody asks.
// Told from the loop, once each unless cancelled. Loop's thread; must live until the loop has
// stopped.

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "leaf/io/descriptor.h"
#include "leaf/io/network_checks.h"

namespace banyan::leaf {

class ReadyPipes {
 public:
  using Key = std::pair<std::string, std::uint64_t>;  // target, generation

  explicit ReadyPipes(boost::asio::io_context& loop) : loop_(loop) {}

  void keep(const Key& key, Descriptor pipe);
  // All that are open, borrowed.
  std::map<Key, int> held();
  void run(const Key& key, CheckDone done);
  // done is not called any more; what the target says is kept for the next run().
  void stop(const Key& key);
  // Likewise, and the pipe is closed.
  void forget(const Key& key);

 private:
  struct Waiting {
    boost::asio::posix::stream_descriptor pipe;
    CheckDone done;
    std::uint64_t number = 0;
  };
  void wait(const Key& key, std::uint64_t number);
  void read(const Key& key, Waiting& waiting);
  void finish(const Key& key, CheckAnswer answer);

  boost::asio::io_context& loop_;
  std::map<Key, Waiting> pipes_;
  std::uint64_t last_ = 0;
};

}  // namespace banyan::leaf
