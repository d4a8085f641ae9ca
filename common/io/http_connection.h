#pragma once
// One client connection of the HttpServer: reads requests one after the other, writes their
// answers. Held by the server and by its own pending operations. It calls its owner only while
// open. One thread; nothing is called back from within answer().

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "common/io/http_answer.h"
#include "common/io/http_server.h"

namespace banyan::io {

using HttpSocket = boost::asio::generic::stream_protocol::socket;

class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  class Owner {
   public:
    virtual const HttpOptions& options() const = 0;
    virtual HttpCounters& tally() = 0;
    virtual tree::ExchangeId open_exchange(HttpConnection& connection) = 0;
    virtual void emit(tree::HttpEvent event) = 0;  // HttpClosed ends the exchange
    virtual void remove(HttpConnection& connection) = 0;

   protected:
    ~Owner() = default;
  };
  struct Peer {
    std::string name;    // for the audit
    bool local = false;  // by the unix socket: any Host will do
  };

  HttpConnection(HttpSocket socket, Owner& owner, Peer peer);
  ~HttpConnection();

  void start();
  void answer(tree::HttpEffect effect);  // of the exchange that is open here
  // Ends everything at once; `tell` reports an open exchange as closed.
  void close(bool tell);

 private:
  struct Parser;
  enum class State {
    idle,       // between requests
    head,       // reading a request's head
    body,       // reading its body
    answering,  // the core has it
    draining,   // answered for the last time; reading until the client hangs up
    closed,
  };

  void read();
  void handle_read(const boost::system::error_code& error, std::size_t size);
  void handle_eof(bool orderly);
  void parse();
  bool parse_step();
  bool check_head();
  void dispatch();
  void refuse(const Problem& problem);

  void respond(tree::HttpRespond effect);
  void begin(const tree::HttpBegin& effect);
  void chunk(tree::HttpChunk effect);
  void finish_stream();
  void enqueue(std::string bytes);
  void write();
  void handle_write(const boost::system::error_code& error, std::size_t size);
  void all_written();
  void end_exchange();
  void drain();

  void arm(Duration delay);
  void disarm();
  void handle_timeout();
  void later(void (HttpConnection::*step)());
  void cut_off();

  HttpSocket socket_;
  Owner* owner_;
  Peer peer_;
  boost::asio::steady_timer timer_;
  std::uint64_t timer_round_ = 0;
  std::unique_ptr<Parser> parser_;
  State state_ = State::idle;
  bool reading_ = false;
  bool peer_done_ = false;  // it sent its last byte

  tree::ExchangeId exchange_ = 0;
  bool keep_alive_ = false;
  bool head_only_ = false;
  bool chunked_ = false;
  bool streaming_ = false;
  bool complete_ = false;  // the whole answer was handed over

  std::deque<std::string> out_;
  std::size_t out_offset_ = 0;  // of the first one, already written
  std::size_t unwritten_ = 0;
  bool writing_ = false;
};

}  // namespace banyan::io
