#pragma once
// HTTP as the pure core sees it: exchanges named by number. The server (common/io) owns sockets,
// limits and parsing; whoever serves the API answers with these effects, at once or later.

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace banyan::tree {

using ExchangeId = std::uint64_t;  // never used twice in the life of a process
using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

// ---- in
struct HttpRequest {  // whole; the body is within the server's limit
  ExchangeId exchange = 0;
  std::string method;   // "GET"
  std::string target;   // "/api/v1/tree?select=a%2Fb", as on the wire
  HttpHeaders headers;  // names in lower case
  std::string body;
  std::string peer;  // "127.0.0.1:51234", for the audit
};
struct HttpDrained {  // everything that was handed over for this streamed answer is written
  ExchangeId exchange = 0;
};
struct HttpClosed {  // the client has gone, or the answer is complete; the number is dead
  ExchangeId exchange = 0;
};
using HttpEvent = std::variant<HttpRequest, HttpDrained, HttpClosed>;

// ---- out
struct HttpRespond {  // a whole answer
  ExchangeId exchange = 0;
  int status = 200;
  HttpHeaders headers;  // the server adds content-length, date, connection, security headers
  std::string body;
};
struct HttpBegin {  // a streamed answer (chunked); HttpChunk follow until HttpEnd
  ExchangeId exchange = 0;
  int status = 200;
  HttpHeaders headers;
};
struct HttpChunk {
  ExchangeId exchange = 0;
  std::string bytes;
};
struct HttpEnd {
  ExchangeId exchange = 0;
};
using HttpEffect = std::variant<HttpRespond, HttpBegin, HttpChunk, HttpEnd>;

}  // namespace banyan::tree
