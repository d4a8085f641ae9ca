#pragma once
// A bare HTTP client that runs the server's loop while it waits: one thread, real sockets, bytes as
// they are on the wire.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "tests/integration/io_support.h"

namespace banyan::io {

class HttpClient {
 public:
  HttpClient(boost::asio::io_context& loop, std::uint16_t port) : loop_(loop) {
    descriptor_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  HttpClient(boost::asio::io_context& loop, const std::string& path) : loop_(loop) {
    descriptor_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    connected_ = ::connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  ~HttpClient() { close(); }
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  bool connected() const { return connected_; }
  void close() {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
  }
  void end_sending() { ::shutdown(descriptor_, SHUT_WR); }

  // Sends all of it while the loop runs; false when the server stopped taking it.
  bool send(std::string_view bytes) {
    const auto push = [&] {
      if (bytes.empty()) return true;
      const ssize_t sent =
          ::send(descriptor_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent < 0 && errno != EAGAIN) return broken_ = true;
      if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
      return bytes.empty();
    };
    return run_until(loop_, push) && !broken_;
  }

  // Takes what has come. True once the condition holds for all that came.
  bool read_until(const std::function<bool(const std::string&)>& condition,
                  Duration deadline = seconds{10}) {
    return run_until(
        loop_,
        [&] {
          take();
          return condition(received_);
        },
        deadline);
  }
  bool read_until(const std::string& text) {
    return read_until([&](const std::string& all) { return all.find(text) != std::string::npos; });
  }
  bool read_to_end() {
    return read_until([this](const std::string&) { return ended_; });
  }
  const std::string& received() const { return received_; }
  void forget() { received_.clear(); }
  bool ended() const { return ended_; }

 private:
  void take() {
    char block[65536];
    for (;;) {
      const ssize_t got = ::recv(descriptor_, block, sizeof block, MSG_DONTWAIT);
      if (got > 0) received_.append(block, static_cast<std::size_t>(got));
      if (got == 0 || (got < 0 && errno != EAGAIN)) ended_ = true;
      if (got <= 0) return;
    }
  }

  boost::asio::io_context& loop_;
  int descriptor_ = -1;
  bool connected_ = false;
  bool broken_ = false;
  bool ended_ = false;
  std::string received_;
};

}  // namespace banyan::io
