#pragma once
// HTTP to one address (TCP or unix socket). libcurl is behind http_client.cpp. Single thread; one
// request at a time, but a handler may issue another request while its own is running.

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/time.h"
#include "root/cli/url.h"

namespace banyan::cli {

struct HttpRequest {
  std::string method = "GET";
  std::string path;  // with its query
  std::string body;  // JSON; empty = none
  std::vector<std::string> headers;
  Duration timeout{0};     // for the whole request; 0 = none
  Duration idle_limit{0};  // without a single byte; 0 = none
};

enum class Trouble { none, unreachable, timed_out, broken, too_big, stopped, interrupted };

struct HttpAnswer {
  long status = 0;
  std::string body;  // streams: only of an answer other than 2xx
  Trouble trouble = Trouble::none;
  std::string why;
  bool ok() const { return trouble == Trouble::none && status >= 200 && status < 300; }
};

struct StreamHandlers {
  // The bytes of a 2xx answer as they arrive; false ends the request (Trouble::stopped). While it
  // runs nothing more is read: a slow reader slows the sender.
  std::function<bool(std::string_view)> on_bytes;
  // When nothing arrived for a fifth of a second.
  std::function<bool()> on_idle;
};

class HttpClient {
 public:
  static constexpr std::size_t max_body = 256U << 20U;

  HttpClient(Address address, std::string token)
      : address_(std::move(address)), token_(std::move(token)) {}

  HttpAnswer fetch(const HttpRequest& request);
  HttpAnswer stream(const HttpRequest& request, const StreamHandlers& handlers);

  const Address& address() const { return address_; }
  void set_address(Address address) { address_ = std::move(address); }

 private:
  Address address_;
  std::string token_;
};

}  // namespace banyan::cli
