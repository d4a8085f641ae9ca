#pragma once
// The HTTP/1.1 server of a node: a TCP address, a unix socket, or both.
//
// Turns exchanges into tree::HttpEvent and performs tree::HttpEffect. Every HttpRequest is followed
// by exactly one HttpClosed of the same number, once its answer is written or its client has gone
// (a stream's client is noticed also while nothing is sent). Events come from the loop, never from
// within perform(). Effects for a number that is dead are ignored: the two may cross.
//
// HEAD reaches the core as GET; the answer goes out without its body. Refused here, as
// problem+json, before the core hears of it: what is not HTTP (400), too slow (408), body over
// max_body (413), head over max_header (431), a Host that is not ours (421), a foreign Origin
// (403); with max_connections open, further ones get 503. Security headers are on every answer.
//
// Back-pressure: HttpDrained when all of a stream that was handed over is written; a stream with
// more than max_unwritten waiting is cut off. A client that takes nothing of a whole answer for
// idle_timeout is cut off; one that pauses a stream is not. One thread.

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/time.h"
#include "common/tree/http_event.h"

namespace banyan::io {

struct HttpOptions {
  std::string host = "127.0.0.1";  // empty: no TCP
  std::uint16_t port = 0;          // 0: any free one
  std::string unix_path;           // empty: no unix socket; else mode 0660, replaced if stale
  std::vector<std::string> allowed_hosts;
  std::size_t max_header = 16U << 10;
  std::size_t max_body = 1U << 20;
  std::size_t max_connections = 256;
  std::size_t max_unwritten = 8U << 20;
  Duration idle_timeout = seconds{60};
  Duration header_timeout = seconds{10};
};

struct HttpCounters {
  std::uint64_t connections = 0;
  std::uint64_t requests = 0;          // handed to the core
  std::uint64_t refused = 0;           // answered here with a 4xx
  std::uint64_t over_connections = 0;  // 503, max_connections
  std::uint64_t overruns = 0;          // streams cut off at max_unwritten
  std::uint64_t stalled = 0;           // cut off: took nothing for idle_timeout
};

class HttpServer {
 public:
  using Emit = std::function<void(tree::HttpEvent)>;

  HttpServer(boost::asio::io_context& loop, HttpOptions options, Emit emit);
  ~HttpServer();  // closes everything; reports nothing any more
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Opens what the options name. The TCP port, or 0 when there is none. Call once.
  Result<std::uint16_t> listen();
  void perform(tree::HttpEffect effect);

  const HttpCounters& counters() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace banyan::io
