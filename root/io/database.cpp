#include "root/io/database.h"

#include <map>
#include <optional>

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>
#include <sqlite3.h>

namespace banyan {
namespace {

constexpr int busy_ms = 5'000;
constexpr std::size_t max_read_bytes = 4U << 20U;  // of one answer
constexpr const char* damaged = "the store is damaged";

constexpr const char* schema = R"(
CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS streams(
  id INTEGER PRIMARY KEY, instance TEXT NOT NULL, start_ms INTEGER NOT NULL,
  random INTEGER NOT NULL, stored INTEGER NOT NULL, touched_ms INTEGER NOT NULL,
  UNIQUE(instance, start_ms, random));
CREATE TABLE IF NOT EXISTS events(
  seq INTEGER PRIMARY KEY, stream INTEGER NOT NULL, number INTEGER NOT NULL,
  time_ms INTEGER NOT NULL, path TEXT NOT NULL, node_id TEXT NOT NULL, kind TEXT NOT NULL,
  text TEXT NOT NULL, data TEXT NOT NULL, stored_ms INTEGER NOT NULL, UNIQUE(stream, number));
CREATE INDEX IF NOT EXISTS events_time ON events(time_ms);
CREATE TABLE IF NOT EXISTS commands(
  id TEXT PRIMARY KEY, number INTEGER NOT NULL, created_ms INTEGER NOT NULL,
  ended_ms INTEGER NOT NULL, verb TEXT NOT NULL, selector TEXT NOT NULL, issuer TEXT NOT NULL,
  record BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS commands_number ON commands(number);
CREATE INDEX IF NOT EXISTS commands_created ON commands(created_ms);
PRAGMA user_version = 1;
)";

std::int64_t as_signed(std::uint64_t number) { return static_cast<std::int64_t>(number); }
std::uint64_t as_unsigned(std::int64_t number) { return static_cast<std::uint64_t>(number); }

tl::unexpected<Error> trouble(const SQLite::Exception& error, const std::string& path) {
  const int code = error.getErrorCode() & 0xff;
  const bool bad = code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
  const char* hint = code == SQLITE_FULL ? "make room on the disk" : "";
  return failure(bad ? damaged : "the store cannot be used", path, error.what(), hint);
}

view::StoredEvent event_of(SQLite::Statement& row) {
  view::StoredEvent event;
  event.seq = as_unsigned(row.getColumn(0).getInt64());
  event.time_ms = row.getColumn(1).getInt64();
  event.path = row.getColumn(2).getString();
  event.node_id = row.getColumn(3).getString();
  event.kind = row.getColumn(4).getString();
  event.text = row.getColumn(5).getString();
  event.data = row.getColumn(6).getString();
  return event;
}

}  // namespace

struct Database::Connection {
  std::string path;
  SQLite::Database sql;
  std::map<view::StreamId, std::int64_t> ids;  // streams seen by this connection
  std::optional<SQLite::Statement> add_event;
  std::optional<SQLite::Statement> add_command;
  std::optional<SQLite::Statement> mark_stream;

  Connection(const std::string& file, int flags) : path(file), sql(file, flags, busy_ms) {}

  std::int64_t number(const char* query) { return sql.execAndGet(query).getInt64(); }
  void prepare();
  std::int64_t stream(const view::StreamId& id);
  void write(const view::EventRow& row, std::int64_t now_ms);
  void write(const view::CommandRow& row);
  std::uint64_t prune_old(std::int64_t before, std::int64_t most);
  std::uint64_t prune_many(std::int64_t events, std::int64_t most);
  void prune_streams(std::int64_t most);
  void write_all(const std::vector<view::StoreWrite>& writes, std::int64_t now_ms);
};

void Database::Connection::prepare() {
  if (add_event) return;
  add_event.emplace(sql, "INSERT OR IGNORE INTO events VALUES(?,?,?,?,?,?,?,?,?,?)");
  add_command.emplace(sql, "INSERT OR REPLACE INTO commands VALUES(?,?,?,?,?,?,?,?)");
  mark_stream.emplace(sql,
                      "UPDATE streams SET stored = max(stored, ?), touched_ms = ? WHERE id = ?");
}

std::int64_t Database::Connection::stream(const view::StreamId& id) {
  if (ids.size() > most_streams) ids.clear();
  const auto known = ids.find(id);
  if (known != ids.end()) return known->second;
  SQLite::Statement add(sql,
                        "INSERT INTO streams(instance, start_ms, random, stored, touched_ms) "
                        "VALUES(?,?,?,0,0) ON CONFLICT DO UPDATE SET stored = stored RETURNING id");
  add.bind(1, id.instance);
  add.bind(2, id.start_ms);
  add.bind(3, as_signed(id.random));
  add.executeStep();
  const std::int64_t row = add.getColumn(0).getInt64();
  while (add.executeStep()) continue;
  return ids[id] = row;
}

void Database::Connection::write(const view::EventRow& row, std::int64_t now_ms) {
  auto& add = *add_event;
  add.reset();
  add.bind(1, as_signed(row.event.seq));
  add.bind(2, stream(row.stream));
  add.bind(3, as_signed(row.number));
  add.bind(4, row.event.time_ms);
  add.bindNoCopy(5, row.event.path);
  add.bindNoCopy(6, row.event.node_id);
  add.bindNoCopy(7, row.event.kind);
  add.bindNoCopy(8, row.event.text);
  add.bindNoCopy(9, row.event.data);
  add.bind(10, now_ms);
  add.exec();
}

void Database::Connection::write(const view::CommandRow& row) {
  auto& add = *add_command;
  add.reset();
  add.bindNoCopy(1, row.id);
  add.bind(2, as_signed(row.number));
  add.bind(3, row.created_ms);
  add.bind(4, row.ended_ms);
  add.bindNoCopy(5, row.verb);
  add.bindNoCopy(6, row.select);
  add.bindNoCopy(7, row.issuer);
  add.bindNoCopy(8, row.record.data(), static_cast<int>(row.record.size()));
  add.exec();
}

void Database::Connection::write_all(const std::vector<view::StoreWrite>& writes,
                                     std::int64_t now_ms) {
  std::map<view::StreamId, std::uint64_t> marks;
  for (const auto& each : writes) {
    for (const auto& row : each.events) {
      write(row, now_ms);
      auto& mark = marks[row.stream];
      mark = std::max(mark, row.upto);
    }
    for (const auto& row : each.commands) write(row);
  }
  for (const auto& [id, stored] : marks) {
    mark_stream->reset();
    mark_stream->bind(1, as_signed(stored));
    mark_stream->bind(2, now_ms);
    mark_stream->bind(3, stream(id));
    mark_stream->exec();
  }
}

Database::Database(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}
Database::Database(Database&& other) noexcept = default;
Database& Database::operator=(Database&& other) noexcept = default;
Database::~Database() = default;

bool Database::is_damage(const Error& error) { return error.what == damaged; }

Result<Database> Database::open(const std::string& path, bool make) {
  try {
    const int flags = SQLite::OPEN_READWRITE | (make ? SQLite::OPEN_CREATE : 0);
    auto connection = std::make_unique<Connection>(path, flags);
    connection->sql.exec(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; "
        "PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=-8192");
    if (connection->number("PRAGMA user_version") > 1) {
      return failure("the store is of a newer version", path, {}, "start that version again");
    }
    if (make) connection->sql.exec(schema);
    return Database(std::move(connection));
  } catch (const SQLite::Exception& error) {
    return trouble(error, path);
  }
}

Result<view::History> Database::history() {
  try {
    auto& sql = connection_->sql;
    view::History found;
    const auto highest = connection_->number("SELECT ifnull(max(seq), 0) FROM events");
    const auto given =
        connection_->number("SELECT ifnull(max(value), 0) FROM meta WHERE key='seq'");
    const bool closed =
        connection_->number("SELECT ifnull(max(value), 1) FROM meta WHERE key='closed'") == 1;
    found.last_seq = as_unsigned(std::max(highest, given)) + (closed ? 0 : seq_leap);
    SQLite::Statement streams(sql,
                              fmt::format("SELECT * FROM (SELECT instance, start_ms, random, "
                                          "stored, touched_ms FROM streams ORDER BY touched_ms "
                                          "DESC LIMIT {}) ORDER BY touched_ms",
                                          most_streams));
    while (streams.executeStep()) {
      const auto random = as_unsigned(streams.getColumn(2).getInt64());
      found.streams.push_back(
          {{streams.getColumn(0).getString(), streams.getColumn(1).getInt64(), random},
           as_unsigned(streams.getColumn(3).getInt64())});
    }
    SQLite::Statement commands(
        sql, fmt::format("SELECT * FROM (SELECT record, number FROM commands ORDER BY number "
                         "DESC LIMIT {}) ORDER BY number",
                         most_commands));
    while (commands.executeStep()) found.commands.push_back(commands.getColumn(0).getString());
    // Until this run closes it: seq given from here on may be shown before they are stored.
    SQLite::Statement begin(sql, "INSERT OR REPLACE INTO meta VALUES('closed', 0), ('seq', ?)");
    begin.bind(1, as_signed(found.last_seq));
    begin.exec();
    return found;
  } catch (const SQLite::Exception& error) {
    return trouble(error, connection_->path);
  }
}

Status Database::write(const std::vector<view::StoreWrite>& writes, std::int64_t now_ms,
                       bool durable) {
  try {
    auto& sql = connection_->sql;
    connection_->prepare();
    sql.exec(durable ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
    SQLite::Transaction transaction(sql, SQLite::TransactionBehavior::IMMEDIATE);
    connection_->write_all(writes, now_ms);
    transaction.commit();
    return {};
  } catch (const SQLite::Exception& error) {
    connection_->ids.clear();  // those of streams that were not added after all
    return trouble(error, connection_->path);
  }
}

Result<view::HistoryAnswer> Database::read(const view::HistoryAsk& ask) {
  try {
    std::string where = "seq < ? AND seq > ?";
    if (ask.since_ms > 0) {
      where +=
          " AND time_ms >= ? AND seq >= (SELECT ifnull(min(seq), 0) FROM events WHERE "
          "time_ms >= ?)";
    }
    for (std::size_t i = 0; i < ask.kinds.size(); ++i) where += i == 0 ? " AND kind IN (?" : ",?";
    if (!ask.kinds.empty()) where += ")";
    SQLite::Statement rows(
        connection_->sql,
        fmt::format("SELECT seq, time_ms, path, node_id, kind, text, data FROM events WHERE {} "
                    "ORDER BY seq DESC LIMIT {}",
                    where, ask.most));
    int at = 0;
    rows.bind(++at, as_signed(ask.below));
    rows.bind(++at, as_signed(ask.above));
    for (int i = 0; ask.since_ms > 0 && i < 2; ++i) rows.bind(++at, ask.since_ms);
    for (const auto& kind : ask.kinds) rows.bind(++at, kind);
    view::HistoryAnswer answer{ask.id, {}, false, {}};
    std::size_t bytes = 0;
    while (bytes < max_read_bytes && rows.executeStep()) {
      const auto& event = answer.events.emplace_back(event_of(rows));
      bytes += event.text.size() + event.data.size();
    }
    answer.end = bytes < max_read_bytes && answer.events.size() < ask.most;
    return answer;
  } catch (const SQLite::Exception& error) {
    return trouble(error, connection_->path);
  }
}

// By the time of the commit: an origin's clock may be anywhere.
std::uint64_t Database::Connection::prune_old(std::int64_t before, std::int64_t most) {
  const auto gone = sql.exec(
      fmt::format("DELETE FROM events WHERE seq IN (SELECT seq FROM events ORDER BY seq LIMIT {}) "
                  "AND stored_ms < {}",
                  most, before));
  sql.exec(
      fmt::format("DELETE FROM commands WHERE id IN (SELECT id FROM commands WHERE "
                  "created_ms < {} AND ended_ms > 0 LIMIT {})",
                  before, most));
  return as_unsigned(gone);
}

std::uint64_t Database::Connection::prune_many(std::int64_t events, std::int64_t most) {
  return as_unsigned(sql.exec(
      fmt::format("DELETE FROM events WHERE seq IN (SELECT seq FROM events WHERE seq <= (SELECT "
                  "seq FROM events ORDER BY seq DESC LIMIT 1 OFFSET {}) LIMIT {})",
                  events, most)));
}

// As the root forgets them.
void Database::Connection::prune_streams(std::int64_t most) {
  if (number("SELECT count(*) FROM streams") <= static_cast<std::int64_t>(most_streams)) return;
  ids.clear();
  sql.exec(
      fmt::format("DELETE FROM streams WHERE id IN (SELECT id FROM streams ORDER BY "
                  "touched_ms DESC LIMIT {} OFFSET {})",
                  most, most_streams));
}

Result<std::uint64_t> Database::prune(const Keep& keep, std::int64_t now_ms, std::int64_t most) {
  try {
    std::uint64_t gone = 0;
    if (keep.age_ms > 0) gone += connection_->prune_old(now_ms - keep.age_ms, most);
    if (keep.events > 0) gone += connection_->prune_many(keep.events, most);
    connection_->prune_streams(most);
    return gone;
  } catch (const SQLite::Exception& error) {
    return trouble(error, connection_->path);
  }
}

Status Database::checkpoint() {
  try {
    connection_->sql.exec("PRAGMA wal_checkpoint(PASSIVE)");
    return {};
  } catch (const SQLite::Exception& error) {
    return trouble(error, connection_->path);
  }
}

Status Database::mark_closed(std::uint64_t last_seq) {
  try {
    SQLite::Statement mark(connection_->sql,
                           "INSERT OR REPLACE INTO meta VALUES('closed', 1), ('seq', ?)");
    mark.bind(1, as_signed(last_seq));
    mark.exec();
    return {};
  } catch (const SQLite::Exception& error) {
    return trouble(error, connection_->path);
  }
}

}  // namespace banyan
