#pragma once
// The store of a root on disk: takes writes and questions from the loop, never lets it wait, and
// tells what became of them by `told`, on the loop.
//
//   writer thread   commits what has come every batch_delay, at batch_rows, or at once when an
//   audit
//                   row is among it; prunes by `keep`; tries again every retry_delay on a failure
//   reader thread   answers questions and checkpoints, on a connection of its own
//
// A file that is no database, or a damaged one, is renamed to PATH.damaged-MILLISECONDS and a new
// one begun. Bounds: the queue of writes is bounded by StoreDesk, that of questions by Api.

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "root/io/database.h"
#include "root/store_desk.h"

namespace banyan {

class Store {
 public:
  static constexpr auto batch_delay = std::chrono::milliseconds{100};
  static constexpr std::size_t batch_rows = 1'000;
  static constexpr auto retry_delay = std::chrono::seconds{1};
  static constexpr auto checkpoint_delay = std::chrono::seconds{5};
  static constexpr auto replace_delay = std::chrono::seconds{60};  // at least between two
  static constexpr auto prune_delay = std::chrono::seconds{10};
  static constexpr std::int64_t prune_rows = 2'000;  // at a time

  struct Options {
    std::string path;
    Database::Keep keep;
  };
  using Told = std::function<void(StoreEvent)>;

  Store(boost::asio::io_context& loop, Options options, Told told);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Waits for the disk; for a start, and again after close().
  Result<view::History> open();
  // From here on nothing is told. Everything that was given is written first, in one try. With what
  // could not be written, and with questions whose answers were not told, the next open() goes on.
  void close();
  bool is_open() const { return writing_.joinable(); }
  std::uint64_t done_ticket() const { return done_ticket_; }  // while it is closed

  // From the loop.
  void write(view::StoreWrite write);
  void ask(view::HistoryAsk ask);

 private:
  using Writes = std::vector<view::StoreWrite>;
  struct Group {  // in one transaction
    Writes writes;
    bool durable = false;
  };

  Result<Database> open_file(bool make);
  Result<view::History> begin_file();
  std::string put_aside();
  bool may_replace() const;
  void replace(const Error& why);

  void run_writer();
  Writes next_writes();
  static std::deque<Group> groups_of(Writes writes);
  bool commit_all(Writes writes);
  void put_back(std::deque<Group> groups);
  bool commit(const Group& group);
  void prune();

  void run_reader();
  void answer(const view::HistoryAsk& ask);
  Result<view::HistoryAnswer> read(const view::HistoryAsk& ask);
  void checkpoint();

  void tell(StoreEvent event);

  boost::asio::io_context& loop_;
  Options options_;
  Told told_;
  std::shared_ptr<bool> telling_;                         // false behind close(); the loop's
  std::map<std::uint64_t, view::HistoryAsk> unanswered_;  // by id; the loop's

  std::optional<Database> writer_;  // the writer's thread; open() and close() without threads
  std::chrono::steady_clock::time_point prune_at_;
  std::chrono::steady_clock::time_point replaced_at_;  // the last time
  std::mutex reader_mutex_;  // held while the reader's connection is in use
  std::optional<Database> reader_;

  std::mutex mutex_;  // of all below
  std::condition_variable wake_writer_;
  std::condition_variable wake_reader_;
  Writes queue_;
  std::size_t queued_rows_ = 0;
  bool urgent_ = false;
  std::uint64_t last_ticket_ = 0;
  std::uint64_t done_ticket_ = 0;
  std::deque<view::HistoryAsk> asks_;
  bool closing_ = false;
  bool unclean_ = false;  // something could not be written at the end
  std::uint64_t last_seq_ = 0;

  std::thread writing_;
  std::thread reading_;
};

}  // namespace banyan
