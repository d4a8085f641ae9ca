#pragma once
// The output of this leaf's targets on its disk, and the readers of it.
//
// Each target has a folder in DIRECTORY; docs/log-format.md says what is in it.
//
// Pipes are emptied whatever the disk says: a target is never stalled by its log, unless its
// on_full is block. What cannot be stored is dropped, counted, and shown to readers as a gap. At
// most about 1 MiB per pipe is moved in one turn of the loop. Events are posted, never told from
// inside perform(). Loop's thread; must live until the loop has stopped.

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "leaf/io/descriptor.h"
#include "leaf/io/log_reader.h"
#include "leaf/io/log_upkeep.h"
#include "leaf/leaf_event.h"

namespace banyan::leaf {

struct LogHooks {
  std::function<void(LogEvent)> event;
  // A sentence for the leaf's own log; once per incident.
  std::function<void(const std::string&)> trouble;
  // Something was stored of this target, or one of its pipes has ended. May be empty.
  std::function<void(const std::string& target)> grew = {};
};

class LogStore {
 public:
  LogStore(boost::asio::io_context& loop, std::string directory, LogHooks hooks);

  // All targets together on disk, at most; 0 = no limit. Before the first attach().
  void set_max_disk(std::uint64_t bytes);
  // Nothing that was spilled is merged from now on: closed files may be compressed.
  void start_packing() { upkeep_.start_packing(); }

  // Stores what comes through the pipes (non-blocking read ends, or none) until their end, beside
  // what earlier pipes of this target still bring.
  void attach(const std::string& target, const LogConfig& config, Descriptor out, Descriptor err);
  // What is stored from now on is of this run.
  void begin_run(const std::string& target, std::uint64_t generation);
  // One stream of a target, for bytes that come another way. Before anything is attached.
  StreamLog& stream_of(const std::string& target, LogStream stream);
  // The read end of the pipe that was attached last; -1 when it is at its end.
  int newest_pipe(const std::string& target, LogStream stream);
  struct HeldPipe {
    std::string target;
    LogStream stream = LogStream::out;
    int reader = -1;  // borrowed
  };
  // All pipes, oldest first.
  std::vector<HeldPipe> held();
  // Stores what the target's pipes hold at this moment.
  void drain(const std::string& target);
  void perform(const LogEffect& effect);
  // What is kept of a target; null when there is nothing. It stays where it is.
  const TargetLogs* logs_of(const std::string& target) { return find(target); }

  // Bytes that a full disk took from all targets since the start.
  std::uint64_t dropped_bytes() const;
  // Pipes given up because too many of earlier generations were still held open.
  std::uint64_t closed_pipes() const { return closed_pipes_; }
  std::size_t pipes() const { return feeds_.size(); }

 private:
  using FeedId = std::uint64_t;
  struct Feed {
    TargetLogs* logs = nullptr;
    LogStream stream = LogStream::out;
    boost::asio::posix::stream_descriptor pipe;
    std::unique_ptr<boost::asio::steady_timer> retry = {};  // while the disk takes no more
  };
  struct Reader {
    std::unique_ptr<LogReader> reader;
    std::deque<std::uint64_t> wanted;  // max_bytes of the unanswered ReadLogs
    bool waiting = false;              // was told at_end, wants to hear of growth
  };

  void add_feed(TargetLogs& logs, LogStream stream, Descriptor pipe);
  void limit_feeds(const TargetLogs& logs, LogStream stream);
  void close_feed(FeedId id);
  void wait_for_bytes(FeedId id);
  void move_bytes(FeedId id);
  void try_later(FeedId id);
  StreamLog::Taken take(Feed& feed, std::uint64_t budget);
  void wake_readers(const TargetLogs& logs, LogStream stream);

  TargetLogs* find(const std::string& target);
  TargetLogs& make(const std::string& target);
  void open(const OpenLog& effect);
  void read(const ReadLog& effect);
  void answer(std::uint64_t id);
  void fail(std::uint64_t id, std::string text);
  void tell(LogEvent event);

  boost::asio::io_context& loop_;
  std::string directory_;
  LogHooks hooks_;
  LogsByTarget logs_;
  LogUpkeep upkeep_;
  std::map<FeedId, Feed> feeds_;  // oldest first
  std::map<std::uint64_t, Reader> readers_;
  FeedId last_feed_ = 0;
  std::uint64_t closed_pipes_ = 0;
};

}  // namespace banyan::leaf
