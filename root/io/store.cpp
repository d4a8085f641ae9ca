#include "root/io/store.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <utility>

#include <boost/asio/post.hpp>

#include "common/io/clock.h"
#include "common/io/signals_held.h"

namespace banyan {
namespace {

std::int64_t now_ms() { return wall_ms(io::read_clock().wall); }

bool has_audit(const view::StoreWrite& write) {
  return std::any_of(write.commands.begin(), write.commands.end(),
                     [](const auto& row) { return row.audit; });
}

}  // namespace

Store::Store(boost::asio::io_context& loop, Options options, Told told)
    : loop_(loop), options_(std::move(options)), told_(std::move(told)) {}

Store::~Store() { close(); }

Result<Database> Store::open_file(bool make) { return Database::open(options_.path, make); }

Result<view::History> Store::begin_file() {
  auto opened = open_file(true);
  if (!opened) return tl::unexpected(opened.error());
  auto history = opened->history();
  if (history) writer_.emplace(std::move(*opened));
  return history;
}

// The new name.
std::string Store::put_aside() {
  const std::string aside = options_.path + ".damaged-" + std::to_string(now_ms());
  std::error_code ignored;
  for (const char* part : {"", "-wal", "-shm"}) {
    std::filesystem::rename(options_.path + part, aside + part, ignored);
  }
  return aside;
}

Result<view::History> Store::open() {
  telling_ = std::make_shared<bool>(true);
  auto history = begin_file();
  if (!history && Database::is_damage(history.error())) {
    const std::string why = history.error().text();
    const std::string aside = put_aside();
    history = begin_file();
    if (history) tell(StoreReplaced{why + "; put aside as " + aside});
  }
  if (!history) return history;
  closing_ = false;
  unclean_ = false;
  last_seq_ = std::max(last_seq_, history->last_seq);
  asks_.clear();
  for (const auto& [id, ask] : unanswered_) asks_.push_back(ask);
  prune_at_ = std::chrono::steady_clock::now();
  replaced_at_ = prune_at_ - replace_delay;
  const banyan::io::SignalsHeld held;  // they are the loop's
  writing_ = std::thread([this] { run_writer(); });
  reading_ = std::thread([this] { run_reader(); });
  return history;
}

void Store::close() {
  if (!writing_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  wake_writer_.notify_all();
  wake_reader_.notify_all();
  writing_.join();
  reading_.join();
  *telling_ = false;
  reader_.reset();
  if (writer_ && !unclean_) static_cast<void>(writer_->mark_closed(last_seq_));
  writer_.reset();
}

void Store::write(view::StoreWrite write) {
  const std::lock_guard lock(mutex_);
  queued_rows_ += write.events.size() + write.commands.size();
  last_ticket_ = write.ticket;
  for (const auto& row : write.events) last_seq_ = std::max(last_seq_, row.event.seq);
  urgent_ = urgent_ || queued_rows_ >= batch_rows || has_audit(write);
  queue_.push_back(std::move(write));
  if (urgent_ || queue_.size() == 1) wake_writer_.notify_one();
}

void Store::ask(view::HistoryAsk ask) {
  unanswered_[ask.id] = ask;
  const std::lock_guard lock(mutex_);
  asks_.push_back(std::move(ask));
  wake_reader_.notify_one();
}

void Store::tell(StoreEvent event) {
  boost::asio::post(loop_, [this, telling = telling_, event = std::move(event)]() mutable {
    if (!*telling) return;
    if (const auto* answer = std::get_if<view::HistoryAnswer>(&event)) {
      unanswered_.erase(answer->id);
    }
    told_(std::move(event));
  });
}

void Store::run_writer() {
  while (true) {
    Writes writes = next_writes();
    if (!writes.empty()) {
      if (!commit_all(std::move(writes))) return;
    } else {
      const std::lock_guard lock(mutex_);
      if (closing_ && queue_.empty()) return;
    }
    prune();
  }
}

// Empty when there is time for other things, or at the end.
Store::Writes Store::next_writes() {
  std::unique_lock lock(mutex_);
  wake_writer_.wait_until(lock, prune_at_, [this] { return closing_ || !queue_.empty(); });
  if (queue_.empty()) return {};
  wake_writer_.wait_for(lock, batch_delay, [this] { return closing_ || urgent_; });
  queued_rows_ = 0;
  urgent_ = false;
  return std::exchange(queue_, {});
}

// An audit row is durable when its write is told stored; nothing else is waited for so long.
std::deque<Store::Group> Store::groups_of(Writes writes) {
  std::deque<Group> groups;
  for (auto& write : writes) {
    const bool audit = has_audit(write);
    if (audit || groups.empty() || groups.back().durable) groups.push_back({{}, audit});
    groups.back().writes.push_back(std::move(write));
  }
  return groups;
}

// False when not all of it could be done before the end.
bool Store::commit_all(Writes writes) {
  std::deque<Group> groups = groups_of(std::move(writes));
  while (!groups.empty() && commit(groups.front())) groups.pop_front();
  if (groups.empty()) return true;
  put_back(std::move(groups));
  return false;
}

// In front of what has come meanwhile: writes are stored in the order of their tickets.
void Store::put_back(std::deque<Group> groups) {
  Writes left;
  for (auto& group : groups) {
    std::move(group.writes.begin(), group.writes.end(), std::back_inserter(left));
  }
  const std::lock_guard lock(mutex_);
  std::move(queue_.begin(), queue_.end(), std::back_inserter(left));
  queue_ = std::move(left);
  urgent_ = true;
}

// False when it could not be done before the end.
bool Store::commit(const Group& group) {
  while (true) {
    const Status done = writer_ ? writer_->write(group.writes, now_ms(), group.durable)
                                : failure("the store is not open", options_.path);
    if (done) {
      const std::lock_guard lock(mutex_);
      done_ticket_ = group.writes.back().ticket;
      tell(StoreDone{done_ticket_});
      return true;
    }
    const bool damaged = writer_ && Database::is_damage(done.error()) && may_replace();
    if (damaged) replace(done.error());
    if (!writer_) {
      if (auto again = open_file(true)) writer_.emplace(std::move(*again));
    }
    std::unique_lock lock(mutex_);
    if (!damaged) tell(StoreFailed{last_ticket_, done.error().text()});
    unclean_ = closing_;
    if (closing_) return false;
    const auto patience = damaged && writer_ ? std::chrono::seconds{0} : retry_delay;
    wake_writer_.wait_for(lock, patience, [this] { return closing_; });
  }
}

// A disk on which every file is damaged at once is not helped by new ones.
bool Store::may_replace() const {
  return std::chrono::steady_clock::now() >= replaced_at_ + replace_delay;
}

// Nobody may hold the old file open: whoever closes it last removes the log beside its name.
void Store::replace(const Error& why) {
  const std::lock_guard lock(reader_mutex_);
  reader_.reset();
  writer_.reset();
  replaced_at_ = std::chrono::steady_clock::now();
  const std::string aside = put_aside();
  auto history = begin_file();
  const std::string trouble = history ? "" : "; no new one: " + history.error().text();
  tell(StoreReplaced{why.text() + "; put aside as " + aside + trouble});
}

void Store::prune() {
  if (std::chrono::steady_clock::now() < prune_at_) return;
  const auto gone = writer_ ? writer_->prune(options_.keep, now_ms(), prune_rows)
                            : Result<std::uint64_t>(std::uint64_t{0});
  const bool more = gone && *gone >= static_cast<std::uint64_t>(prune_rows);
  prune_at_ = std::chrono::steady_clock::now();
  prune_at_ += more ? std::chrono::milliseconds{50} : std::chrono::milliseconds{prune_delay};
  if (gone && *gone > 0) tell(StorePruned{*gone});
  if (!gone && Database::is_damage(gone.error()) && may_replace()) replace(gone.error());
}

void Store::run_reader() {
  auto checkpoint_at = std::chrono::steady_clock::now() + checkpoint_delay;
  while (true) {
    std::deque<view::HistoryAsk> asks;
    {
      std::unique_lock lock(mutex_);
      wake_reader_.wait_until(lock, checkpoint_at, [this] { return closing_ || !asks_.empty(); });
      if (closing_) return;
      asks.swap(asks_);
    }
    for (const auto& ask : asks) answer(ask);
    if (std::chrono::steady_clock::now() < checkpoint_at) continue;
    checkpoint();
    checkpoint_at = std::chrono::steady_clock::now() + checkpoint_delay;
  }
}

void Store::answer(const view::HistoryAsk& ask) {
  auto found = read(ask);
  if (!found) found = view::HistoryAnswer{ask.id, {}, true, found.error().text()};
  tell(std::move(*found));
}

Result<view::HistoryAnswer> Store::read(const view::HistoryAsk& ask) {
  const std::lock_guard lock(reader_mutex_);
  if (!reader_) {
    auto opened = open_file(false);
    if (!opened) return tl::unexpected(opened.error());
    reader_.emplace(std::move(*opened));
  }
  return reader_->read(ask);
}

void Store::checkpoint() {
  const std::lock_guard lock(reader_mutex_);
  if (!reader_) {
    auto opened = open_file(false);
    if (!opened) return;  // the writer meets the same, and tells it
    reader_.emplace(std::move(*opened));
  }
  static_cast<void>(reader_->checkpoint());  // likewise
}

}  // namespace banyan
