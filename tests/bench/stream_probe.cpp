// Somebody who listens at a root: the time from a deed to what the root says of it.
//
//   stream_probe PORT TOPICS     subscribes to the event stream; then from its standard input
//     kill PID WORD WORD         SIGKILL to PID; until an item that contains both words
//     command N BODY             posts a command N times, each when the last one is answered
// and prints microseconds, one line each.

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

namespace {

using Clock = std::chrono::steady_clock;

int connect_to(std::uint16_t port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int now = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &now, sizeof now);
  if (::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    std::perror("connect");
    std::exit(1);
  }
  return socket;
}

void write_all(int socket, const std::string& text) {
  if (::write(socket, text.data(), text.size()) != static_cast<ssize_t>(text.size())) std::exit(1);
}

class Reader {
 public:
  explicit Reader(int socket) : socket_(socket) {}

  // The next piece up to `end`, which goes with it.
  std::string until(std::string_view end) {
    std::size_t found = 0;
    while ((found = bytes_.find(end)) == std::string::npos) read();
    return take(found + end.size());
  }
  std::string exactly(std::size_t size) {
    while (bytes_.size() < size) read();
    return take(size);
  }

 private:
  void read() {
    char piece[65536];
    const ssize_t got = ::read(socket_, piece, sizeof piece);
    if (got <= 0) std::exit(1);
    bytes_.append(piece, static_cast<std::size_t>(got));
  }
  std::string take(std::size_t size) {
    std::string piece = bytes_.substr(0, size);
    bytes_.erase(0, size);
    return piece;
  }

  int socket_;
  std::string bytes_;
};

void tell(Clock::time_point begun) {
  const std::chrono::duration<double, std::micro> took = Clock::now() - begun;
  fmt::print("{:.1f}\n", took.count());
  std::fflush(stdout);
}

void kill_and_wait(Reader& stream) {
  int pid = 0;
  std::string first;
  std::string second;
  std::cin >> pid >> first >> second;
  const auto begun = Clock::now();
  ::kill(pid, SIGKILL);
  for (;;) {
    const std::string item = stream.until("\n\n");
    if (item.find(first) != std::string::npos && item.find(second) != std::string::npos) break;
  }
  tell(begun);
}

void command(std::uint16_t port) {
  int count = 0;
  std::string body;
  std::cin >> count >> std::ws;
  std::getline(std::cin, body);
  const int socket = connect_to(port);
  Reader reader(socket);
  const std::string request = fmt::format(
      "POST /api/v1/commands?wait=5s HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n"
      "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
      port, body.size(), body);
  for (int i = 0; i < count; ++i) {
    const auto begun = Clock::now();
    write_all(socket, request);
    const std::string head = reader.until("\r\n\r\n");
    const auto length = head.find("Content-Length: ");
    if (length == std::string::npos) std::exit(1);
    const std::string answer =
        reader.exactly(std::strtoul(head.c_str() + length + 16, nullptr, 10));
    if (answer.find("\"done\"") == std::string::npos) {
      fmt::print(stderr, "{}{}\n", head, answer);
      std::exit(1);
    }
    tell(begun);
  }
  ::close(socket);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const auto port = static_cast<std::uint16_t>(std::strtoul(argv[1], nullptr, 10));
  const int socket = connect_to(port);
  write_all(socket,
            fmt::format("GET /api/v1/stream?topics={} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n",
                        argv[2], port));
  Reader stream(socket);
  stream.until("\r\n\r\n");
  fmt::print("ready\n");
  std::fflush(stdout);
  std::string word;
  while (std::cin >> word) {
    if (word == "kill") kill_and_wait(stream);
    if (word == "command") command(port);
  }
  return 0;
}
