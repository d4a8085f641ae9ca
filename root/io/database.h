#pragma once
// One connection to the SQLite file of a root. Not shared between threads: each has its own.
//
//   streams   one row for each stream of events: what of it is stored
//   events    by seq; (stream, number) once
//   commands  by id; `record` is v1::StoredCommand
//   meta      whether the last run closed it, and the highest seq that it gave
//
// WAL; nothing checkpoints but checkpoint(). Called by Store alone; every call waits for the disk.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/view/history.h"

namespace banyan {

class Database {
 public:
  struct Keep {
    std::int64_t age_ms = 0;  // 0 = any age
    std::int64_t events = 0;  // 0 = any number
  };
  // After an end without close, seq go on this much higher: what was shown and not yet stored
  // keeps its number for itself.
  static constexpr std::uint64_t seq_leap = 1'000'000;
  static constexpr std::size_t most_commands = 1'000;  // of history()
  static constexpr std::size_t most_streams = 65'536;

  // `make`: creates what is missing.
  static Result<Database> open(const std::string& path, bool make);
  Database(Database&& other) noexcept;
  Database& operator=(Database&& other) noexcept;
  ~Database();

  Result<view::History> history();
  // One transaction each. `durable`: it is on the disk when this returns; otherwise a power cut
  // may take it back (whole), a death of this process never.
  Status write(const std::vector<view::StoreWrite>& writes, std::int64_t now_ms, bool durable);
  // Events of an ask, the newest first; fewer than asked for when they are large.
  Result<view::HistoryAnswer> read(const view::HistoryAsk& ask);
  // At most `most` of each kind that is beyond `keep`; how many events went.
  Result<std::uint64_t> prune(const Keep& keep, std::int64_t now_ms, std::int64_t most);
  Status checkpoint();
  Status mark_closed(std::uint64_t last_seq);

  // Whether this error means that the file is no (whole) database.
  static bool is_damage(const Error& error);

 private:
  struct Connection;
  explicit Database(std::unique_ptr<Connection> connection);
  std::unique_ptr<Connection> connection_;
};

}  // namespace banyan
