#include "leaf/io/notify_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include <fmt/format.h>
#include <boost/asio/post.hpp>

#include "common/io/files.h"
#include "leaf/io/descriptor.h"
#include "leaf/io/notification.h"
#include "leaf/io/proc_files.h"

namespace banyan::leaf {
namespace {

using boost::system::error_code;

constexpr std::size_t datagram_max = 4096;
constexpr unsigned per_turn = 256;
constexpr unsigned per_second = 100;
constexpr std::size_t senders_max = 4096;
constexpr int receive_buffer = 1 << 20;

std::int64_t this_second() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

struct Address {
  sockaddr_un raw = {};
  socklen_t size = 0;
};

// "@name" is the abstract one.
bool make_address(const std::string& text, Address& address) {
  if (text.size() >= sizeof address.raw.sun_path) return false;
  address.raw.sun_family = AF_UNIX;
  std::memcpy(address.raw.sun_path, text.data(), text.size());
  const bool abstract = text.front() == '@';
  if (abstract) address.raw.sun_path[0] = '\0';
  const auto length = text.size() + (abstract ? 0 : 1);
  address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
  return true;
}

int pid_of(msghdr& message) {
  for (auto* each = CMSG_FIRSTHDR(&message); each != nullptr; each = CMSG_NXTHDR(&message, each)) {
    if (each->cmsg_level != SOL_SOCKET || each->cmsg_type != SCM_CREDENTIALS) continue;
    ucred credentials = {};
    std::memcpy(&credentials, CMSG_DATA(each), sizeof credentials);
    return credentials.pid;
  }
  return 0;
}

}  // namespace

NotifySocket::NotifySocket(boost::asio::io_context& loop, std::string instance, NotifyHooks hooks)
    : loop_(loop), instance_(std::move(instance)), hooks_(std::move(hooks)) {}

Status NotifySocket::open(const std::string& path, std::map<std::string, Descriptor> held) {
  Address fits;
  if (make_address(path, fits)) {
    if (auto opened = open_one(path, held); !opened) return opened;
  }
  return open_one("@banyan/" + instance_ + "/notify", held);
}

Status NotifySocket::open_one(const std::string& address, std::map<std::string, Descriptor>& held) {
  const auto known = held.find(address);
  if (known != held.end()) {
    add(address, std::move(known->second));
    return {};
  }
  if (address.front() != '@') ::unlink(address.c_str());
  return listen(address);
}

std::map<std::string, int> NotifySocket::held() {
  std::map<std::string, int> all;
  for (Socket& socket : sockets_) all.emplace(socket.address, socket.fd.native_handle());
  return all;
}

void NotifySocket::add(const std::string& address, Descriptor fd) {
  sockets_.push_back({address, {loop_, fd.release()}});
  wait(sockets_.size() - 1);
}

Status NotifySocket::listen(const std::string& address) {
  const auto failed = [&] {
    return failure("cannot open the socket for notifications", address,
                   banyan::io::error_text(errno));
  };
  Address where;
  if (!make_address(address, where)) return failure("address too long", address);
  Descriptor fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return failed();
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&where.raw), where.size) < 0) {
    return failed();
  }
  constexpr int on = 1;
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) < 0) return failed();
  // Less than asked for is no failure: targets then wait a little.
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  add(address, std::move(fd));
  return {};
}

Environment NotifySocket::environment_of(const TargetConfig& config) const {
  if (sockets_.empty()) return {};
  const bool own_user = config.process.user.empty() && config.process.group.empty();
  const auto& address = (own_user ? sockets_.front() : sockets_.back()).address;
  Environment values{{"BANYAN_SOCKET", address}};
  const bool watched = config.watchdog > Duration::zero();
  if (config.ready.check.kind != CheckKind::notify && !watched) return values;
  values["NOTIFY_SOCKET"] = address;
  if (!watched) return values;
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(config.watchdog).count();
  values["WATCHDOG_USEC"] = std::to_string(us);
  values["WATCHDOG_PID"] = "";  // the launcher knows it
  return values;
}

void NotifySocket::wait(std::size_t socket) {
  sockets_[socket].fd.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                                 [this, socket](const error_code& error) {
                                   if (!error) receive(socket);
                                 });
}

void NotifySocket::receive(std::size_t socket) {
  const int fd = sockets_[socket].fd.native_handle();
  for (unsigned count = 0; count < per_turn; ++count) {
    if (!receive_one(fd)) return wait(socket);
  }
  boost::asio::post(loop_, [this, socket] { receive(socket); });
}

bool NotifySocket::receive_one(int fd) {
  char text[datagram_max];
  // Room for the credentials alone: the kernel closes descriptors that do not fit.
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(ucred))];
  iovec block = {text, sizeof text};
  msghdr message = {};
  message.msg_iov = &block;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const auto size = ::recvmsg(fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (size < 0) return errno == EINTR;
  if ((message.msg_flags & MSG_TRUNC) != 0) {
    ++counts_.bad;
  } else {
    take({text, static_cast<std::size_t>(size)}, pid_of(message));
  }
  return true;
}

void NotifySocket::take(std::string_view text, int pid) {
  if (!within_rate(pid)) {
    ++counts_.too_many;
    return;
  }
  auto said = parse_notification(text);
  if (!said) {
    ++counts_.bad;
    return;
  }
  auto [target, generation] = hooks_.owner_of(pid);
  if (target.empty()) {
    const auto owner = parse_mark(process_mark(pid), instance_);
    if (!owner) {
      ++counts_.of_nobody;
      return;
    }
    target = owner->target;
    generation = owner->generation;
  }
  ++counts_.taken;
  said->target = std::move(target);
  said->generation = generation;
  hooks_.event(*std::move(said));
}

bool NotifySocket::within_rate(int pid) {
  const auto second = this_second();
  if (second != second_) said_.clear();
  second_ = second;
  const auto known = said_.find(pid);
  if (known == said_.end()) return said_.size() < senders_max && said_.emplace(pid, 1U).second;
  return ++known->second <= per_second;
}

}  // namespace banyan::leaf
