#include "common/io/http_listener.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "common/io/files.h"
#include "common/io/resolve.h"

namespace banyan::io {

namespace asio = boost::asio;
using asio::ip::tcp;
using local = asio::local::stream_protocol;

namespace {

constexpr auto accept_pause = milliseconds{100};
constexpr std::size_t max_unix_path = 107;

std::string credentials_of(int descriptor) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return "unix";
  return fmt::format("unix:uid={},pid={}", peer.uid, peer.pid);
}

std::string name_of(const tcp::endpoint& endpoint) {
  const auto address = endpoint.address();
  return fmt::format(fmt::runtime(address.is_v6() ? "[{}]:{}" : "{}:{}"), address.to_string(),
                     endpoint.port());
}

}  // namespace

HttpListener::HttpListener(asio::io_context& loop, Accept accept)
    : loop_(loop), accept_(std::move(accept)), tcp_(loop), unix_(loop) {}

HttpListener::~HttpListener() {
  *alive_ = false;
  if (!unix_path_.empty()) ::unlink(unix_path_.c_str());
}

Result<std::uint16_t> HttpListener::open_tcp(const std::string& host, std::uint16_t port) {
  const auto address = resolve_listen_host(host);
  if (!address) return tl::unexpected(address.error());
  const tcp::endpoint endpoint{*address, port};
  boost::system::error_code error;
  tcp_.open(endpoint.protocol(), error);
  if (!error) tcp_.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) tcp_.bind(endpoint, error);
  if (!error) tcp_.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    return failure("cannot listen for HTTP", fmt::format("{}:{}", host, port), error.message(),
                   error == asio::error::address_in_use
                       ? "another program has this port; set `http_port`"
                       : "");
  }
  accept_tcp();
  return tcp_.local_endpoint().port();
}

Status HttpListener::open_unix(const std::string& path) {
  if (path.size() > max_unix_path) {
    return failure(
        "cannot listen", path,
        fmt::format("longer than {} bytes, the most a socket's path may have", max_unix_path),
        "set a shorter `state_dir`");
  }
  const local::endpoint endpoint{path};
  boost::system::error_code error;
  local::socket probe{loop_};
  probe.connect(endpoint, error);
  if (!error) return failure("cannot listen", path, "another process listens there");
  if (error == asio::error::connection_refused) ::unlink(path.c_str());
  unix_.open(endpoint.protocol(), error);
  if (!error) unix_.bind(endpoint, error);
  if (!error && ::chmod(path.c_str(), 0660) != 0)
    error.assign(errno, boost::system::system_category());
  if (!error) unix_.listen(asio::socket_base::max_listen_connections, error);
  if (error) return failure("cannot listen", path, error.message());
  unix_path_ = path;
  accept_unix();
  return {};
}

void HttpListener::accept_tcp() {
  tcp_.async_accept(
      [this, alive = alive_](const boost::system::error_code& error, tcp::socket socket) {
        if (!*alive) return;
        if (!error) {
          boost::system::error_code ignored;
          socket.set_option(tcp::no_delay(true), ignored);
          const auto remote = socket.remote_endpoint(ignored);
          accept_(HttpSocket{std::move(socket)}, {name_of(remote), false});
        }
        go_on(error, &HttpListener::accept_tcp);
      });
}

void HttpListener::accept_unix() {
  unix_.async_accept(
      [this, alive = alive_](const boost::system::error_code& error, local::socket socket) {
        if (!*alive) return;
        if (!error) {
          const std::string peer = credentials_of(socket.native_handle());
          accept_(HttpSocket{std::move(socket)}, {peer, true});
        }
        go_on(error, &HttpListener::accept_unix);
      });
}

void HttpListener::go_on(const boost::system::error_code& error, void (HttpListener::*again)()) {
  if (error == asio::error::operation_aborted) return;
  if (!error || error == asio::error::connection_aborted) {
    (this->*again)();
    return;
  }
  auto pause = std::make_shared<asio::steady_timer>(loop_, accept_pause);
  pause->async_wait([this, alive = alive_, pause, again](const boost::system::error_code& failed) {
    if (*alive && !failed) (this->*again)();
  });
}

}  // namespace banyan::io
