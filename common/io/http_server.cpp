#include "common/io/http_server.h"

#include <boost/asio/buffer.hpp>
#include <unordered_map>
#include <utility>
#include <variant>

#include "common/io/http_connection.h"
#include "common/io/http_listener.h"

namespace banyan::io {

namespace asio = boost::asio;

struct HttpServer::Impl final : HttpConnection::Owner {
  Impl(asio::io_context& loop, HttpOptions wanted, Emit emit_event)
      : options_(std::move(wanted)),
        emit_(std::move(emit_event)),
        listener_(loop, [this](HttpSocket socket, HttpConnection::Peer peer) {
          add(std::move(socket), std::move(peer));
        }) {}

  ~Impl() {
    for (auto& [key, connection] : connections_) connection->close(false);
  }

  void add(HttpSocket socket, HttpConnection::Peer peer) {
    if (connections_.size() >= options_.max_connections) {
      turn_away(std::move(socket));
      return;
    }
    ++counters_.connections;
    auto connection = std::make_shared<HttpConnection>(std::move(socket), *this, std::move(peer));
    connections_.emplace(connection.get(), connection);
    connection->start();
  }

  void turn_away(HttpSocket socket) {
    ++counters_.over_connections;
    boost::system::error_code ignored;
    socket.non_blocking(true, ignored);
    const std::string answer =
        write_problem({503, "too many connections", "try again, or close some"});
    socket.write_some(asio::buffer(answer), ignored);
    socket.shutdown(asio::socket_base::shutdown_send, ignored);
  }

  // ---- HttpConnection::Owner
  const HttpOptions& options() const override { return options_; }
  HttpCounters& tally() override { return counters_; }
  tree::ExchangeId open_exchange(HttpConnection& connection) override {
    exchanges_[++last_exchange_] = &connection;
    return last_exchange_;
  }
  void emit(tree::HttpEvent event) override {
    if (const auto* closed = std::get_if<tree::HttpClosed>(&event)) {
      exchanges_.erase(closed->exchange);
    }
    emit_(std::move(event));
  }
  void remove(HttpConnection& connection) override { connections_.erase(&connection); }

  HttpOptions options_;
  Emit emit_;
  HttpCounters counters_;
  std::unordered_map<HttpConnection*, std::shared_ptr<HttpConnection>> connections_;
  std::unordered_map<tree::ExchangeId, HttpConnection*> exchanges_;  // open ones only
  tree::ExchangeId last_exchange_ = 0;
  HttpListener listener_;
};

HttpServer::HttpServer(asio::io_context& loop, HttpOptions options, Emit emit)
    : impl_(std::make_unique<Impl>(loop, std::move(options), std::move(emit))) {}

HttpServer::~HttpServer() = default;

Result<std::uint16_t> HttpServer::listen() {
  HttpOptions& options = impl_->options_;
  if (!options.unix_path.empty()) {
    if (auto opened = impl_->listener_.open_unix(options.unix_path); !opened) {
      return tl::unexpected(opened.error());
    }
  }
  if (options.host.empty()) return std::uint16_t{0};
  // Who listens on an address of a host by intent is spoken to by that address.
  options.allowed_hosts.push_back(options.host);
  return impl_->listener_.open_tcp(options.host, options.port);
}

void HttpServer::perform(tree::HttpEffect effect) {
  const auto id = std::visit([](const auto& any) { return any.exchange; }, effect);
  const auto found = impl_->exchanges_.find(id);
  if (found != impl_->exchanges_.end()) found->second->answer(std::move(effect));
}

const HttpCounters& HttpServer::counters() const { return impl_->counters_; }

}  // namespace banyan::io
