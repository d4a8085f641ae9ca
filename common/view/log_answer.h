#pragma once
// One answer to a question for logs: streams through the tree, merged and written as text or
// ndjson.
//
// A source is one stream of one target:
//
//   reading --(closed, complete)--> over
//   reading --(closed by a break)--> waiting --(reachable again)--> reading, at the next offset
//   waiting --(5 s without follow)--> over, with an error
//   reading --(closed with another reason)--> over, with an error
//
// After a break a source of both channels goes on as two, since each has its own offset.
// An error is a line in ndjson; in text it ends the source, and if it is the only one and nothing
// has been written yet it is the whole answer.
// Bounds: what is held of a source is within its credit; credit is given back when the HTTP side
// has written, so that a reader who stops stops the senders. It grows on long ways
// (credit_window.h). Single threaded.

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/time.h"
#include "common/tree/mirror.h"
#include "common/view/api_effects.h"
#include "common/view/credit_window.h"
#include "common/view/log_line.h"
#include "common/view/log_merge.h"

namespace banyan::view {

// Stream numbers and whose they are; never used twice.
class StreamNumbers {
 public:
  std::uint64_t open(tree::ExchangeId owner);
  void forget(std::uint64_t stream) { owners_.erase(stream); }
  std::optional<tree::ExchangeId> owner(std::uint64_t stream) const;
  std::size_t size() const { return owners_.size(); }

 private:
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, tree::ExchangeId> owners_;
};

struct LogAsk {
  struct Target {
    std::string node;
    std::string name;
    std::int64_t tail = -1;
    std::string unreachable;  // why it cannot be read now; "" = it can
  };
  tree::ExchangeId exchange = 0;
  bool ndjson = false;
  v1::StreamOpen like;  // channel, follow, offset, times, grep
  std::vector<Target> targets;
};

class LogAnswer {
 public:
  static constexpr std::uint64_t window = 256U << 10U;        // of one source
  static constexpr std::uint64_t widest_window = 2U << 20U;   // to which it may grow
  static constexpr std::uint64_t window_of_all = 32U << 20U;  // shared, but 32 KiB at least each
  // Written for one answer before the client has taken it: short lines become twenty times as long.
  static constexpr std::size_t most_at_once = 256U << 10U;
  static constexpr Duration merge_window = milliseconds{100};
  static constexpr Duration give_up_after = seconds{5};

  LogAnswer(LogAsk ask, const tree::Mirror& mirror, StreamNumbers& numbers);

  void start(Now now, ApiEffects& effects);
  void on_data(const v1::StreamData& data, Now now, ApiEffects& effects);
  void on_close(const v1::StreamClose& close, Now now, ApiEffects& effects);
  void on_drained(Now now, ApiEffects& effects);
  void on_client_gone(ApiEffects& effects);
  void on_time(Now now, ApiEffects& effects);
  Time next_deadline() const;
  bool done() const { return done_; }

 private:
  enum class State { reading, waiting, over };
  struct Source {
    explicit Source(CreditWindow own) : credit(own) {}

    State state = State::reading;
    v1::StreamOpen open;  // as it was opened last
    std::uint64_t stream = 0;
    LineJoiner joiner;
    CreditWindow credit;
    std::array<std::optional<std::uint64_t>, 2> next;  // offsets, of stdout and stderr
    std::int64_t last_ns = 0;
    std::uint64_t held = 0;  // bytes for which no credit was given back
    std::uint64_t owed = 0;  // those of them that were handed to the HTTP side
    bool broke = false;
    Time retry_at = never;
    Time give_up_at = never;

    std::string path() const;
  };

  std::size_t add_source(Source source);
  Source* find(std::uint64_t stream);
  void open(Source& source, Now now, ApiEffects& effects) const;
  void reopen(std::size_t index, Now now, ApiEffects& effects);
  static void give(Source& source, std::uint64_t bytes, Now now, ApiEffects& effects);
  void take(std::size_t index, const v1::LogRecord& record, Now now, std::uint64_t& give_back);
  void wait(Source& source, Now now);
  void fail(std::size_t index, const std::string& reason, ApiEffects& effects);
  void finish(std::size_t index, Now now);
  void pump(Now now, ApiEffects& effects);
  void write(std::size_t index, const LogPiece& piece);
  void begin(ApiEffects& effects);
  bool reachable(const Source& source) const;

  LogAsk ask_;
  const tree::Mirror& mirror_;
  StreamNumbers& numbers_;
  LogMerge merge_;
  std::vector<Source> sources_;  // by their number in the merge
  std::uint64_t window_ = window;
  std::uint64_t widest_ = widest_window;
  std::string out_;
  std::size_t last_source_ = 0;
  bool line_is_open_ = false;  // the last byte written was no newline
  bool begun_ = false;
  bool full_ = false;  // most_at_once is with the client
  bool done_ = false;
  Time begin_at_ = never;
};

// "unreachable: web-1 is lost" -> 503.
int status_of_close(std::string_view reason);

}  // namespace banyan::view
