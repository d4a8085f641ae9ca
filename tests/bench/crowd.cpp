// Many children of one parent in one process: the product's own uplinks and codec over plain
// sockets. Each is a leaf of one target, or a relay with leaves below it that are only in its
// mirror.
//
//   crowd PORT FIRST COUNT BELOW    children number FIRST .. FIRST + COUNT - 1; BELOW leaves each
//   crowd PORT FIRST COUNT echo     no children: each connection says the bytes of a beat once a
//                                   second, to whatever sends them back
// Says "ready" when all are connected. From its standard input, each answered by one line:
//   traffic    frames and bytes, up and down, since the last question
//   change N   another state of N targets
//   connected  how many are

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <iostream>
#include <memory>
#include <set>

#include "common/tree/uplink.h"
#include "tests/bench/leaf_facts.h"
#include "tests/bench/zmtp_wire.h"

namespace banyan::bench {
namespace {

constexpr std::size_t beat_bytes = 48;

Now read_now() {
  using std::chrono::duration_cast;
  const auto wall = std::chrono::system_clock::now();
  Now now;
  now.time = Time{duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch())};
  now.wall = std::chrono::time_point_cast<milliseconds>(wall);
  return now;
}

struct Traffic {
  std::uint64_t frames_up = 0, bytes_up = 0, frames_down = 0, bytes_down = 0;
};

// A socket in an epoll. Ends the program when it breaks: nothing of that kind is measured here.
class Connection {
 public:
  Connection(int epoll, std::uint16_t port, std::uint64_t number) : epoll_(epoll) {
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int now = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &now, sizeof now);
    broken_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0;
    event_.data.u64 = number;
    event_.events = EPOLLIN;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, socket_, &event_);
    out_ = ZmtpWire::greeting();
    flush();
  }
  ~Connection() { ::close(socket_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void send(std::string_view body, Traffic& traffic) {
    ++traffic.frames_up;
    traffic.bytes_up += body.size();
    ZmtpWire::append(wire_.ready() ? out_ : held_, body);
    flush();
  }
  std::vector<std::string> receive(Traffic& traffic) {
    char piece[65536];
    const ssize_t got = ::recv(socket_, piece, sizeof piece, MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN)) broken_ = true;
    if (got <= 0) return {};
    auto messages = wire_.take({piece, static_cast<std::size_t>(got)});
    if (wire_.ready() && !held_.empty()) {
      out_ += std::exchange(held_, {});
      flush();
    }
    for (const auto& message : messages) {
      ++traffic.frames_down;
      traffic.bytes_down += message.size();
    }
    return messages;
  }
  void flush() {
    while (!out_.empty()) {
      const ssize_t sent = ::send(socket_, out_.data(), out_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent < 0 && errno != EAGAIN) broken_ = true;
      if (sent <= 0) break;
      out_.erase(0, static_cast<std::size_t>(sent));
    }
    const std::uint32_t events = out_.empty() ? EPOLLIN : EPOLLIN | EPOLLOUT;
    if (events == event_.events) return;
    event_.events = events;
    ::epoll_ctl(epoll_, EPOLL_CTL_MOD, socket_, &event_);
  }
  bool broken() const { return broken_; }

 private:
  int epoll_;
  int socket_ = -1;
  epoll_event event_{};
  ZmtpWire wire_;
  std::string out_;
  std::string held_;  // until the peer is ready
  bool broken_ = false;
};

class Child {
 public:
  virtual ~Child() = default;
  virtual void start() = 0;
  virtual void on_socket() = 0;
  virtual void on_time() = 0;
  virtual Time next_deadline() const = 0;
  virtual bool connected() const = 0;
  virtual void change(std::uint64_t) {}
};

struct Place {
  int epoll = -1;
  std::uint16_t port = 0;
  std::uint64_t number = 0;  // of the child
  Traffic* traffic = nullptr;
};

class Echoed : public Child {
 public:
  explicit Echoed(const Place& place) : place_(place) {}
  void start() override {
    connection_ = std::make_unique<Connection>(place_.epoll, place_.port, place_.number);
    next_ = read_now().time;
  }
  void on_socket() override {
    connection_->flush();
    connection_->receive(*place_.traffic);
  }
  void on_time() override {
    connection_->send(std::string(beat_bytes, 'b'), *place_.traffic);
    next_ += seconds{1};
  }
  Time next_deadline() const override { return next_; }
  bool connected() const override { return connection_ && !connection_->broken(); }

 private:
  Place place_;
  std::unique_ptr<Connection> connection_;
  Time next_ = never;
};

class Node : public Child {
 public:
  Node(const Place& place, std::uint64_t below)
      : place_(place), below_(below), facts_(mirror_, place.number, below) {
    tree::UplinkOptions options{{{"127.0.0.1", place.port}}, seconds{1}, seconds{5}};
    uplink_ = std::make_unique<tree::Uplink>(options, facts_.identity(), mirror_, place.number);
  }
  void start() override {
    turn([&](tree::Turn& turn) { uplink_->start(turn); });
  }
  void on_socket() override {
    if (!connection_) return;
    connection_->flush();
    for (std::string& bytes : connection_->receive(*place_.traffic)) {
      turn([&](tree::Turn& turn) { uplink_->on_frame({conn_, std::move(bytes)}, turn); });
    }
    if (connection_ && connection_->broken()) {
      connection_.reset();
      turn([&](tree::Turn& turn) { uplink_->on_closed({conn_, "closed"}, turn); });
    }
  }
  void on_time() override {
    turn([&](tree::Turn& turn) { uplink_->on_time(turn); });
  }
  Time next_deadline() const override { return uplink_->next_deadline(); }
  bool connected() const override { return uplink_->connected(); }
  void change(std::uint64_t which) override {
    turn([&](tree::Turn& turn) { facts_.change(which, turn.changes); });
  }

 private:
  template <class Act>
  void turn(Act act) {
    tree::LinkEffects effects;
    tree::Turn turn(read_now(), effects);
    act(turn);
    uplink_->settle(turn);
    for (tree::LinkEffect& effect : effects.list) perform(effect);
  }
  void perform(tree::LinkEffect& effect) {
    if (const auto* dial = std::get_if<tree::DialParent>(&effect)) {
      conn_ = dial->conn;
      connection_ = std::make_unique<Connection>(place_.epoll, place_.port, place_.number);
    } else if (const auto* sent = std::get_if<tree::SendParent>(&effect)) {
      if (connection_ && sent->conn == conn_) connection_->send(sent->bytes, *place_.traffic);
    } else if (std::holds_alternative<tree::HangUpParent>(effect)) {
      connection_.reset();
    } else if (const auto* line = std::get_if<tree::WriteLog>(&effect)) {
      if (line->level == tree::LogLevel::error)
        fmt::print(stderr, "crowd: {}: {}\n", place_.number, line->text);
    }
  }

  Place place_;
  std::uint64_t below_;
  tree::Mirror mirror_;
  LeafFacts facts_;
  std::unique_ptr<tree::Uplink> uplink_;
  std::unique_ptr<Connection> connection_;
  tree::ConnId conn_ = 0;
};

class Crowd {
 public:
  void add(std::unique_ptr<Child> child) { children_.push_back(std::move(child)); }
  Place place(std::uint16_t port, std::uint64_t number) {
    return {epoll_, port, number, &traffic_};
  }
  void watch_input() {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = input;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, STDIN_FILENO, &event);
  }
  void run(std::uint64_t first) {
    first_ = first;
    planned_.resize(children_.size(), never);
    watch_input();
    for (std::size_t begun = 0; !ended_; step()) {
      // A few at a time: a herd is measured elsewhere.
      for (int i = 0; i < 4 && begun < children_.size(); ++i, ++begun) {
        children_[begun]->start();
        plan(begun);
      }
      if (!told_ && begun == children_.size() && connected() == begun) {
        told_ = true;
        answer("ready");
      }
    }
  }

 private:
  static constexpr std::uint64_t input = ~std::uint64_t{0};

  static void answer(const std::string& text) {
    fmt::print("{}\n", text);
    std::fflush(stdout);
  }
  std::size_t connected() const {
    std::size_t count = 0;
    for (const auto& child : children_) count += child->connected() ? 1 : 0;
    return count;
  }
  void plan(std::size_t index) {
    const Time at = children_[index]->next_deadline();
    auto& planned = planned_[index];
    if (planned == at) return;
    deadlines_.erase({planned, index});
    planned = at;
    if (at != never) deadlines_.emplace(at, index);
  }
  void step() {
    const auto now = read_now().time;
    Duration wait = told_ ? Duration{milliseconds{1000}} : Duration{milliseconds{1}};
    if (!deadlines_.empty())
      wait = std::min(wait, std::max(Duration{0}, deadlines_.begin()->first - now));
    epoll_event events[256];
    const auto ms = std::chrono::ceil<milliseconds>(wait).count();
    const int count = ::epoll_wait(epoll_, events, 256, static_cast<int>(ms));
    for (int i = 0; i < count; ++i) {
      if (events[i].data.u64 == input) {
        read_input();
        continue;
      }
      const std::size_t index = events[i].data.u64 - first_;
      children_[index]->on_socket();
      plan(index);
    }
    const auto then = read_now().time;
    while (!deadlines_.empty() && deadlines_.begin()->first <= then) {
      const std::size_t index = deadlines_.begin()->second;
      children_[index]->on_time();
      plan(index);
    }
  }
  void read_input() {
    std::string word;
    std::uint64_t number = 0;
    if (!(std::cin >> word)) {
      ended_ = true;
    } else if (word == "traffic") {
      const Traffic was = std::exchange(traffic_, {});
      answer(
          fmt::format("{} {} {} {}", was.frames_up, was.bytes_up, was.frames_down, was.bytes_down));
    } else if (word == "connected") {
      answer(fmt::format("{}", connected()));
    } else if (word == "change" && std::cin >> number) {
      for (std::uint64_t i = 0; i < number; ++i) {
        children_[i % children_.size()]->change(i);
        plan(i % children_.size());
      }
      answer("changed");
    }
  }

  int epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  std::uint64_t first_ = 0;
  std::vector<std::unique_ptr<Child>> children_;
  std::vector<Time> planned_;
  std::set<std::pair<Time, std::size_t>> deadlines_;
  Traffic traffic_;
  bool told_ = false;
  bool ended_ = false;
};

int run(char** argv) {
  const auto number = [](const char* text) { return std::strtoull(text, nullptr, 10); };
  const auto port = static_cast<std::uint16_t>(number(argv[1]));
  const std::uint64_t first = number(argv[2]);
  const bool echo = std::string_view(argv[4]) == "echo";
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  Crowd crowd;
  for (std::uint64_t i = first; i < first + number(argv[3]); ++i) {
    const Place place = crowd.place(port, i);
    if (echo) {
      crowd.add(std::make_unique<Echoed>(place));
    } else {
      crowd.add(std::make_unique<Node>(place, number(argv[4])));
    }
  }
  crowd.run(first);
  return 0;
}

}  // namespace
}  // namespace banyan::bench

int main(int argc, char** argv) {
  if (argc == 5) return banyan::bench::run(argv);
  fmt::print(stderr, "usage: crowd PORT FIRST COUNT BELOW|echo\n");
  return 2;
}
