#pragma once
// Between a root and its store: what is on its way to the disk, and what waits until it is there.
//
//   a batch of events   is acknowledged to its origin when its rows are stored, never before
//   a request           goes down when the audit row of its command is stored, or could not be
//   too much on its way (max_rows, max_bytes): batches are not taken; their origins keep them and
//                       are told to send again (rewind) when half of it is stored. The root's own
//                       events, which nobody else keeps, are then shown but not stored: counted.
//
// Writes are numbered by tickets; `stored` speaks of a ticket and all before it. Without open()
// there is no store: nothing waits, and nothing is written. Pure. Single threaded.

#include <deque>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "banyan/v1/link.pb.h"
#include "common/base/time.h"
#include "common/view/history.h"

namespace banyan {

// What the store tells.
struct StoreDone {  // this ticket, and all before
  std::uint64_t ticket = 0;
};
struct StoreFailed {  // this ticket was tried in vain; it is tried again
  std::uint64_t ticket = 0;
  std::string why;
};
struct StoreReplaced {  // what was there could not be used; it was put aside
  std::string text;
};
struct StorePruned {  // events beyond what is to be kept
  std::uint64_t events = 0;
};
using StoreEvent =
    std::variant<StoreDone, StoreFailed, StoreReplaced, StorePruned, view::HistoryAnswer>;

class StoreDesk {
 public:
  static constexpr std::size_t max_rows = 20'000;
  static constexpr std::size_t max_bytes = 32U << 20U;

  void open() { open_ = true; }
  bool is_open() const { return open_; }

  // A batch may be taken; false: it is counted and left to its origin.
  bool may_take();
  // They belong to the write that is taken next, or to the last one when that is empty.
  void hold(v1::EventAck ack) { acks_.push_back({next_, std::move(ack)}); }
  void hold(v1::Request request, Time now) {
    requests_.push_back({next_, {std::move(request), now}});
  }

  // The next write, if there is anything. Rows of stream `own` are left out when it is too much.
  std::vector<view::StoreWrite> take(std::vector<view::EventRow> events,
                                     std::vector<view::CommandRow> commands,
                                     const std::string& own);

  void on_done(std::uint64_t ticket);
  // True when it is the first failure since the last success.
  bool on_failed(std::uint64_t ticket);
  void on_pruned(std::uint64_t events) { pruned_ += events; }

  // What need not wait any longer.
  std::vector<v1::EventAck> take_acks();
  // With the time that is left to them; one without goes no further: its command ends by itself.
  std::vector<v1::Request> take_requests(Time now);
  // Once after batches were left to their origins, when there is room again.
  bool take_rewind();

  bool failing() const { return failing_; }
  bool waits() const { return !requests_.empty(); }
  view::StoreCounters counters() const;

 private:
  template <class Message>
  struct Held {
    std::uint64_t ticket;
    Message message;
  };
  struct Waiting {
    v1::Request request;
    Time since{};
  };
  struct Written {
    std::uint64_t ticket;
    std::size_t rows;
    std::size_t bytes;
  };
  bool is_full() const { return rows_ >= max_rows || bytes_ >= max_bytes; }
  template <class Message>
  static std::vector<Message> take_upto(std::deque<Held<Message>>& held, std::uint64_t ticket);

  bool open_ = false;
  std::uint64_t next_ = 1;  // ticket
  std::uint64_t done_ = 0;
  std::uint64_t given_up_ = 0;  // requests up to this ticket do not wait
  std::deque<Written> written_;
  std::size_t rows_ = 0;
  std::size_t bytes_ = 0;
  std::deque<Held<v1::EventAck>> acks_;
  std::deque<Held<Waiting>> requests_;
  bool behind_ = false;  // batches were left to their origins
  bool failing_ = false;
  std::uint64_t deferred_ = 0;
  std::uint64_t dropped_ = 0;
  std::uint64_t unaudited_ = 0;
  std::uint64_t failures_ = 0;
  std::uint64_t pruned_ = 0;
};

}  // namespace banyan
