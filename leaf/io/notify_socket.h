#pragma once
// The leaf's datagram socket: what its targets say by sd_notify(3). Its address is NOTIFY_SOCKET of
// the targets that are asked to speak (ready.notify, watchdog), and BANYAN_SOCKET of all.
//
// It lies in the state directory, which only the leaf's own user may enter: targets of other users
// get an abstract address instead, and so do all where the path is too long for a socket.
// Who spoke is known from the kernel (SCM_CREDENTIALS): a main process by its pid, any other one
// by the mark in its environment, which names this leaf's instance: an id that its targets alone
// are told.
// Bounds: 4 KiB per datagram, 100 per second and process, 256 per turn of the loop; what is more,
// or not understood, or of nobody, is dropped and counted. Descriptors that come along are closed,
// which is what BARRIER=1 waits for.
// Loop's thread; must live until the loop has stopped.

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "common/base/result.h"
#include "leaf/io/descriptor.h"
#include "leaf/io/launch_environment.h"
#include "leaf/leaf_event.h"

namespace banyan::leaf {

struct NotifyHooks {
  std::function<void(CheckEvent)> event;
  // The generation whose living main process this is; an empty name when it is none.
  std::function<std::pair<std::string, std::uint64_t>(int pid)> owner_of;
};

struct NotifyCounts {
  std::uint64_t taken = 0;
  std::uint64_t bad = 0;        // too long, or no word understood
  std::uint64_t of_nobody = 0;  // the sender is no process of a target (any more)
  std::uint64_t too_many = 0;   // above the rate
};

class NotifySocket {
 public:
  NotifySocket(boost::asio::io_context& loop, std::string instance, NotifyHooks hooks);

  // `path` is replaced when it exists: the state directory is locked. `held`: sockets that the
  // program before this one in the same process had open, by address; nothing said is lost.
  Status open(const std::string& path, std::map<std::string, Descriptor> held = {});
  // The sockets by address, borrowed.
  std::map<std::string, int> held();

  // What a target is told of it.
  Environment environment_of(const TargetConfig& config) const;
  const NotifyCounts& counts() const { return counts_; }

 private:
  struct Socket {
    std::string address;  // "/path" or "@abstract"
    boost::asio::posix::stream_descriptor fd;
  };
  Status open_one(const std::string& address, std::map<std::string, Descriptor>& held);
  Status listen(const std::string& address);
  void add(const std::string& address, Descriptor fd);
  void wait(std::size_t socket);
  void receive(std::size_t socket);
  // False when there is nothing more.
  bool receive_one(int fd);
  void take(std::string_view text, int pid);
  bool within_rate(int pid);

  boost::asio::io_context& loop_;
  std::string instance_;
  NotifyHooks hooks_;
  std::vector<Socket> sockets_;   // the abstract one last
  std::map<int, unsigned> said_;  // by pid, in this second
  std::int64_t second_ = 0;
  NotifyCounts counts_;
};

}  // namespace banyan::leaf
