#include "common/io/http_connection.h"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/verb.hpp>
#include <optional>
#include <utility>

#include "common/io/http_guard.h"

namespace banyan::io {

namespace asio = boost::asio;
namespace http = boost::beast::http;

namespace {

constexpr std::size_t read_size = 16U << 10;
constexpr std::size_t read_ahead_max = 64U << 10;  // pipelined while an answer is being written
constexpr auto drain_timeout = seconds{2};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

// "http://host:1/path" -> host:1, and the target becomes "/path".
std::optional<std::string> take_authority(std::string& target) {
  const std::string_view scheme = "http://";
  if (target.compare(0, scheme.size(), scheme) != 0) return std::nullopt;
  const auto slash = target.find_first_of("/?", scheme.size());
  std::string authority = target.substr(scheme.size(), slash - scheme.size());
  target = slash == std::string::npos ? "/" : target.substr(slash);
  if (target.front() == '?') target.insert(0, "/");
  return authority;
}

}  // namespace

struct HttpConnection::Parser {
  std::array<char, read_size> block;  // the kernel writes here, while `buffer` is being parsed
  boost::beast::flat_buffer buffer;
  std::optional<http::request_parser<http::string_body>> request;

  void begin(const HttpOptions& options) {
    request.emplace();
    request->header_limit(static_cast<std::uint32_t>(options.max_header));
    request->body_limit(options.max_body);
  }
  void take(std::size_t size) {
    buffer.commit(asio::buffer_copy(buffer.prepare(size), asio::buffer(block, size)));
  }
};

HttpConnection::HttpConnection(HttpSocket socket, Owner& owner, Peer peer)
    : socket_(std::move(socket)),
      owner_(&owner),
      peer_(std::move(peer)),
      timer_(socket_.get_executor()),
      parser_(std::make_unique<Parser>()) {}

HttpConnection::~HttpConnection() = default;

void HttpConnection::start() {
  arm(owner_->options().idle_timeout);
  read();
}

// ---- reading. One read is always under way, also while an answer is being written: that is how a
// client that goes is noticed.

void HttpConnection::read() {
  if (reading_ || peer_done_ || state_ == State::closed) return;
  if (state_ == State::answering && parser_->buffer.size() >= read_ahead_max) return;
  reading_ = true;
  socket_.async_read_some(
      asio::buffer(parser_->block),
      [self = shared_from_this()](const boost::system::error_code& error, std::size_t size) {
        self->reading_ = false;
        if (self->state_ != State::closed) self->handle_read(error, size);
      });
}

void HttpConnection::handle_read(const boost::system::error_code& error, std::size_t size) {
  if (error) {
    handle_eof(error == asio::error::eof);
    return;
  }
  if (state_ != State::draining) parser_->take(size);
  if (state_ == State::body) arm(owner_->options().header_timeout);
  parse();
  read();
}

// A client may send its last byte and still wait for a whole answer; a stream has no such end.
void HttpConnection::handle_eof(bool orderly) {
  peer_done_ = true;
  const bool may_wait = orderly && state_ == State::answering && !streaming_;
  if (!may_wait) close(true);
}

void HttpConnection::parse() {
  while (parse_step()) {
  }
}

// True when there may be more to do with what is buffered.
bool HttpConnection::parse_step() {
  const bool wants = state_ == State::idle || state_ == State::head || state_ == State::body;
  if (!wants || parser_->buffer.size() == 0) return false;
  if (state_ == State::idle) {
    parser_->begin(owner_->options());
    state_ = State::head;
    arm(owner_->options().header_timeout);
  }
  auto& request = *parser_->request;
  boost::system::error_code error;
  const std::size_t used = request.put(parser_->buffer.data(), error);
  parser_->buffer.consume(used);
  if (error == http::error::need_more) return false;
  if (error == http::error::header_limit) {
    refuse({431, "the request's head is too large", "at most 16 KiB"});
  } else if (error == http::error::body_limit) {
    refuse({413, "the request's body is too large", "at most 1 MiB"});
  } else if (error) {
    refuse({400, "this is not a valid HTTP/1.1 request", ""});
  }
  if (error) return false;
  if (state_ == State::head && request.is_header_done() && !check_head()) return false;
  if (request.is_done()) dispatch();
  return true;
}

bool HttpConnection::check_head() {
  auto& message = parser_->request->get();
  std::string target(view(message.target()));
  const auto authority = take_authority(target);
  message.target(target);
  if (authority) message.set(http::field::host, *authority);
  const auto hosts = message.count(http::field::host);
  const std::string host(view(message[http::field::host]));
  if (hosts > 1 || (hosts == 0 && message.version() == 11)) {
    refuse({400, "exactly one Host header is needed", ""});
    return false;
  }
  if (!peer_.local && hosts == 1 && !is_allowed_host(host, owner_->options().allowed_hosts)) {
    refuse({421, "this server does not answer to that Host",
            "add the name to `allowed_hosts`, or use localhost"});
    return false;
  }
  const auto origin = message.find(http::field::origin);
  if (origin != message.end() && is_foreign_origin(view(origin->value()), host)) {
    refuse({403, "a request from a page of another origin is refused", ""});
    return false;
  }
  if (!parser_->request->is_done() && lower(view(message[http::field::expect])) == "100-continue") {
    enqueue("HTTP/1.1 100 Continue\r\n\r\n");
  }
  parser_->request->eager(true);
  state_ = State::body;
  arm(owner_->options().header_timeout);
  return true;
}

void HttpConnection::dispatch() {
  auto& message = parser_->request->get();
  tree::HttpRequest request;
  head_only_ = message.method() == http::verb::head;
  request.method = head_only_ ? "GET" : std::string(view(message.method_string()));
  request.target = std::string(view(message.target()));
  for (const auto& field : message) {
    request.headers.emplace_back(lower(view(field.name_string())),
                                 std::string(view(field.value())));
  }
  request.body = std::move(message.body());
  request.peer = peer_.name;
  keep_alive_ = message.keep_alive();
  chunked_ = message.version() == 11;
  streaming_ = complete_ = false;
  state_ = State::answering;
  disarm();
  parser_->request.reset();
  ++owner_->tally().requests;
  exchange_ = owner_->open_exchange(*this);
  request.exchange = exchange_;
  owner_->emit(std::move(request));
}

void HttpConnection::refuse(const Problem& problem) {
  ++owner_->tally().refused;
  state_ = State::answering;
  keep_alive_ = false;
  complete_ = true;
  streaming_ = false;
  enqueue(write_problem(problem));
}

// Closing with unread bytes would reset the connection and could take the answer along.
void HttpConnection::drain() {
  state_ = State::draining;
  parser_->buffer.clear();
  boost::system::error_code ignored;
  socket_.shutdown(asio::socket_base::shutdown_send, ignored);
  if (peer_done_) {
    later(&HttpConnection::cut_off);
  } else {
    arm(drain_timeout);
  }
}

}  // namespace banyan::io
