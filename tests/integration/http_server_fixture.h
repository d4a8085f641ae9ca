#pragma once
// An HttpServer on any port, with a stand-in for the core that remembers what it was told.

#include <gmock/gmock.h>

#include <optional>

#include "common/io/http_server.h"
#include "tests/integration/http_client.h"

namespace banyan::io {

class HttpServerTest : public testing::Test {
 protected:
  void open(HttpOptions options = {}) {
    options.port = 0;
    server_ = std::make_unique<HttpServer>(loop_, std::move(options),
                                           [this](tree::HttpEvent event) { handle(event); });
    const auto port = server_->listen();
    ASSERT_TRUE(port) << port.error().text();
    port_ = *port;
  }

  void handle(tree::HttpEvent& event) {
    if (auto* request = std::get_if<tree::HttpRequest>(&event)) {
      requests_.push_back(std::move(*request));
      if (on_request_) on_request_(requests_.back());
    } else if (const auto* drained = std::get_if<tree::HttpDrained>(&event)) {
      ++drained_;
      if (on_drained_) on_drained_(drained->exchange);
    } else if (const auto* closed = std::get_if<tree::HttpClosed>(&event)) {
      closed_.push_back(closed->exchange);
    }
  }

  void answer_ok() {
    on_request_ = [this](const tree::HttpRequest& request) {
      server_->perform(tree::HttpRespond{
          request.exchange, 200, {{"Content-Type", "text/plain"}}, "you asked " + request.target});
    };
  }

  // The whole answer to a request that ends the connection.
  std::string ask(const std::string& request) {
    HttpClient client(loop_, port_);
    EXPECT_TRUE(client.connected());
    client.send(request);
    EXPECT_TRUE(client.read_to_end()) << "still open after: " << client.received();
    return client.received();
  }
  std::string get(const std::string& headers, const std::string& target = "/x") {
    return ask("GET " + target + " HTTP/1.1\r\nConnection: close\r\n" + headers + "\r\n");
  }

  boost::asio::io_context loop_;
  std::uint16_t port_ = 0;
  std::vector<tree::HttpRequest> requests_;
  std::vector<tree::ExchangeId> closed_;
  int drained_ = 0;
  std::function<void(const tree::HttpRequest&)> on_request_;
  std::function<void(tree::ExchangeId)> on_drained_;
  std::unique_ptr<HttpServer> server_;
};

}  // namespace banyan::io
