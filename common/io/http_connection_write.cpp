// The answering half of HttpConnection; nothing of Beast is needed here.

#include <fmt/format.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <utility>
#include <variant>
#include <vector>

#include "common/io/http_connection.h"

namespace banyan::io {

namespace asio = boost::asio;

namespace {

constexpr std::size_t write_buffers_max = 16;

}  // namespace

// ---- answering

void HttpConnection::answer(tree::HttpEffect effect) {
  if (state_ != State::answering || complete_) return;
  if (auto* respond_effect = std::get_if<tree::HttpRespond>(&effect)) {
    if (!streaming_) respond(std::move(*respond_effect));
  } else if (const auto* begin_effect = std::get_if<tree::HttpBegin>(&effect)) {
    if (!streaming_) begin(*begin_effect);
  } else if (auto* chunk_effect = std::get_if<tree::HttpChunk>(&effect)) {
    if (streaming_) chunk(std::move(*chunk_effect));
  } else if (streaming_) {
    finish_stream();
  }
}

void HttpConnection::respond(tree::HttpRespond effect) {
  const bool empty = effect.status == 204 || effect.status == 304;
  keep_alive_ = keep_alive_ && !peer_done_;
  complete_ = true;
  enqueue(write_head(
      {effect.status, empty ? Framing::none : Framing::length, effect.body.size(), !keep_alive_},
      effect.headers));
  if (!empty && !head_only_) enqueue(std::move(effect.body));
}

void HttpConnection::begin(const tree::HttpBegin& effect) {
  if (peer_done_) {
    later(&HttpConnection::cut_off);
    return;
  }
  keep_alive_ = keep_alive_ && chunked_;
  streaming_ = true;
  complete_ = head_only_;
  enqueue(write_head(
      {effect.status, chunked_ ? Framing::chunked : Framing::until_close, 0, !keep_alive_},
      effect.headers));
}

void HttpConnection::chunk(tree::HttpChunk effect) {
  if (effect.bytes.empty()) {  // an empty chunk would end the answer
    later(&HttpConnection::all_written);
    return;
  }
  if (unwritten_ + effect.bytes.size() > owner_->options().max_unwritten) {
    ++owner_->tally().overruns;
    complete_ = true;
    later(&HttpConnection::cut_off);
    return;
  }
  if (chunked_) {
    enqueue(fmt::format("{:x}\r\n", effect.bytes.size()));
    effect.bytes += "\r\n";
  }
  enqueue(std::move(effect.bytes));
}

void HttpConnection::finish_stream() {
  complete_ = true;
  if (chunked_) {
    enqueue("0\r\n\r\n");
  } else {
    later(&HttpConnection::all_written);
  }
}

// ---- writing

void HttpConnection::enqueue(std::string bytes) {
  if (bytes.empty()) return;
  unwritten_ += bytes.size();
  out_.push_back(std::move(bytes));
  write();
}

void HttpConnection::write() {
  if (writing_ || out_.empty() || state_ == State::closed) return;
  writing_ = true;
  if (state_ == State::answering && !streaming_) arm(owner_->options().idle_timeout);
  std::vector<asio::const_buffer> buffers;
  for (const auto& bytes : out_) {
    if (buffers.size() == write_buffers_max) break;
    buffers.push_back(asio::buffer(bytes));
  }
  buffers.front() += out_offset_;
  socket_.async_write_some(buffers, [self = shared_from_this()](
                                        const boost::system::error_code& error, std::size_t size) {
    self->writing_ = false;
    if (self->state_ != State::closed) self->handle_write(error, size);
  });
}

void HttpConnection::handle_write(const boost::system::error_code& error, std::size_t size) {
  if (error) {
    close(true);
    return;
  }
  unwritten_ -= size;
  out_offset_ += size;
  while (!out_.empty() && out_offset_ >= out_.front().size()) {
    out_offset_ -= out_.front().size();
    out_.pop_front();
  }
  if (out_.empty()) {
    all_written();
  } else {
    write();
  }
}

void HttpConnection::all_written() {
  if (state_ != State::answering || !out_.empty()) return;
  if (complete_) {
    end_exchange();
  } else if (streaming_) {
    owner_->emit(tree::HttpDrained{exchange_});
  }
}

void HttpConnection::end_exchange() {
  const tree::ExchangeId done = std::exchange(exchange_, 0);
  if (keep_alive_ && !peer_done_) {
    state_ = State::idle;
    arm(owner_->options().idle_timeout);
  } else {
    drain();
  }
  if (done != 0) owner_->emit(tree::HttpClosed{done});
  if (state_ == State::closed) return;
  parse();
  read();
}

// ---- ends

void HttpConnection::close(bool tell) {
  if (state_ == State::closed) return;
  const auto self = shared_from_this();  // remove() may drop the last other holder
  state_ = State::closed;
  disarm();
  boost::system::error_code ignored;
  socket_.close(ignored);
  const tree::ExchangeId open = std::exchange(exchange_, 0);
  Owner& owner = *std::exchange(owner_, nullptr);
  if (!tell) return;
  owner.remove(*this);
  if (open != 0) owner.emit(tree::HttpClosed{open});
}

void HttpConnection::cut_off() { close(true); }

void HttpConnection::later(void (HttpConnection::*step)()) {
  asio::post(socket_.get_executor(), [self = shared_from_this(), step] {
    if (self->state_ != State::closed) (self.get()->*step)();
  });
}

void HttpConnection::arm(Duration delay) {
  const std::uint64_t round = ++timer_round_;
  timer_.expires_after(delay);
  timer_.async_wait([self = shared_from_this(), round](const boost::system::error_code& error) {
    if (!error && self->timer_round_ == round && self->state_ != State::closed) {
      self->handle_timeout();
    }
  });
}

void HttpConnection::disarm() {
  ++timer_round_;
  timer_.cancel();
}

void HttpConnection::handle_timeout() {
  if (state_ == State::head || state_ == State::body) {
    refuse({408, "the request did not come in time", ""});
    return;
  }
  if (state_ == State::answering) ++owner_->tally().stalled;
  close(true);
}

}  // namespace banyan::io
