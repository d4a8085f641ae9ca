#pragma once
// The listening sockets of the HttpServer. Accepts for as long as it lives; when the process runs
// out of descriptors it waits a little instead of spinning. One thread.

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "common/base/result.h"
#include "common/io/http_connection.h"

namespace banyan::io {

class HttpListener {
 public:
  using Accept = std::function<void(HttpSocket, HttpConnection::Peer)>;

  HttpListener(boost::asio::io_context& loop, Accept accept);
  ~HttpListener();
  HttpListener(const HttpListener&) = delete;
  HttpListener& operator=(const HttpListener&) = delete;

  Result<std::uint16_t> open_tcp(const std::string& host, std::uint16_t port);
  // A socket file that nobody listens to is replaced. Mode 0660. Removed by the destructor.
  Status open_unix(const std::string& path);

 private:
  void accept_tcp();
  void accept_unix();
  // Runs `again` now, or after a pause when accepting failed.
  void go_on(const boost::system::error_code& error, void (HttpListener::*again)());

  boost::asio::io_context& loop_;
  Accept accept_;
  boost::asio::ip::tcp::acceptor tcp_;
  boost::asio::local::stream_protocol::acceptor unix_;
  std::string unix_path_;                                       // ours to remove
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // handlers may outlive us
};

}  // namespace banyan::io
