// The floor that a tree is measured against: pidfds in an epoll, and ZeroMQ forwarders between.
//
//   chain_floor top                binds a ROUTER, prints its port; reads from its standard input
//                                    kill PID   ends PID and waits for the news of it
//                                    ask N      N questions to the leaf, one after the other
//                                  and prints microseconds, one line each
//   chain_floor forward PORT       binds a ROUTER, prints its port; passes on to PORT and back
//   chain_floor leaf PORT          says hello to PORT, answers what comes; watches the pids that
//                                  stand on its standard input and tells when one has ended
//   chain_floor echo               binds a ROUTER, prints its port; answers every message with it

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>
#include <utility>
#include <vector>
#include <zmq.hpp>

namespace {

using Clock = std::chrono::steady_clock;

// Single part bodies; a ROUTER's peer is remembered by its last message.
class Socket {
 public:
  Socket(zmq::context_t& context, zmq::socket_type type) : socket_(context, type) {
    router_ = type == zmq::socket_type::router;
    socket_.set(zmq::sockopt::linger, 0);
    socket_.set(zmq::sockopt::backlog, 4096);
  }
  void bind() {
    socket_.bind("tcp://127.0.0.1:*");
    const std::string at = socket_.get(zmq::sockopt::last_endpoint);
    fmt::print("{}\n", at.substr(at.rfind(':') + 1));
    std::fflush(stdout);
  }
  void connect(const char* port) { socket_.connect(std::string("tcp://127.0.0.1:") + port); }
  std::optional<std::string> receive(zmq::recv_flags flags) {
    zmq::message_t part;
    if (router_) {
      zmq::message_t from;  // a failed call empties what it is given
      if (!socket_.recv(from, flags)) return std::nullopt;
      peer_ = std::move(from);
      (void)socket_.recv(part);
    } else if (!socket_.recv(part, flags)) {
      return std::nullopt;
    }
    return part.to_string();
  }
  void send(const std::string& body) {
    if (router_) {
      zmq::message_t to;
      to.copy(peer_);
      socket_.send(to, zmq::send_flags::sndmore);
    }
    socket_.send(zmq::buffer(body), zmq::send_flags::none);
  }
  int descriptor() { return socket_.get(zmq::sockopt::fd); }
  void* handle() { return socket_.handle(); }

 private:
  zmq::socket_t socket_;
  zmq::message_t peer_;
  bool router_ = false;
};

void tell(Clock::time_point begun) {
  const std::chrono::duration<double, std::micro> took = Clock::now() - begun;
  fmt::print("{:.1f}\n", took.count());
  std::fflush(stdout);
}

int run_top(zmq::context_t& context) {
  Socket children(context, zmq::socket_type::router);
  children.bind();
  children.receive(zmq::recv_flags::none);  // hello
  fmt::print("ready\n");
  std::fflush(stdout);
  std::string word;
  long number = 0;
  while (std::cin >> word >> number) {
    if (word == "kill") {
      const auto begun = Clock::now();
      ::kill(static_cast<pid_t>(number), SIGKILL);
      children.receive(zmq::recv_flags::none);
      tell(begun);
      continue;
    }
    for (long i = 0; i < number; ++i) {
      const auto begun = Clock::now();
      children.send(std::string(100, 'q'));
      children.receive(zmq::recv_flags::none);
      tell(begun);
    }
  }
  return 0;
}

int run_forward(zmq::context_t& context, const char* port) {
  Socket children(context, zmq::socket_type::router);
  Socket parent(context, zmq::socket_type::dealer);
  parent.connect(port);
  children.bind();
  std::vector<zmq::pollitem_t> items = {{children.handle(), 0, ZMQ_POLLIN, 0},
                                        {parent.handle(), 0, ZMQ_POLLIN, 0}};
  for (;;) {
    zmq::poll(items, std::chrono::milliseconds{-1});
    while (const auto up = children.receive(zmq::recv_flags::dontwait)) parent.send(*up);
    while (const auto down = parent.receive(zmq::recv_flags::dontwait)) children.send(*down);
  }
}

int run_echo(zmq::context_t& context) {
  Socket children(context, zmq::socket_type::router);
  children.bind();
  for (;;) children.send(*children.receive(zmq::recv_flags::none));
}

class Leaf {
 public:
  Leaf(zmq::context_t& context, const char* port) : parent_(context, zmq::socket_type::dealer) {
    parent_.connect(port);
    parent_.send("hello");
    watch(STDIN_FILENO);
    watch(parent_.descriptor());
  }
  int run() {
    for (;;) {
      answer();  // edge-triggered: also after every send
      epoll_event event{};
      if (::epoll_wait(epoll_, &event, 1, -1) != 1) continue;
      if (event.data.fd == STDIN_FILENO) {
        if (!read_pids()) return 0;
      } else if (event.data.fd != parent_.descriptor()) {
        parent_.send(std::string(100, 'e'));
        ::close(event.data.fd);
      }
    }
  }

 private:
  void watch(int descriptor) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = descriptor;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event);
  }
  void answer() {
    while (const auto asked = parent_.receive(zmq::recv_flags::dontwait)) parent_.send(*asked);
  }
  bool read_pids() {
    char text[32] = {};
    if (::read(STDIN_FILENO, text, sizeof text - 1) <= 0) return false;
    const auto pid = static_cast<pid_t>(std::strtol(text, nullptr, 10));
    watch(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    fmt::print("watched\n");
    std::fflush(stdout);
    return true;
  }

  Socket parent_;
  int epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
};

}  // namespace

int main(int argc, char** argv) {
  const std::string role = argc > 1 ? argv[1] : "";
  zmq::context_t context(1);
  if (role == "top") return run_top(context);
  if (role == "echo") return run_echo(context);
  if (role == "forward" && argc > 2) return run_forward(context, argv[2]);
  if (role == "leaf" && argc > 2) return Leaf(context, argv[2]).run();
  fmt::print(stderr, "usage: chain_floor top | echo | forward PORT | leaf PORT\n");
  return 2;
}
