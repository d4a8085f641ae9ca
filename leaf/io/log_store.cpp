#include "leaf/io/log_store.h"

#include <sys/ioctl.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include <fmt/format.h>
#include <boost/asio/post.hpp>

#include "common/base/check.h"
#include "common/base/name.h"

namespace banyan::leaf {
namespace {

using boost::system::error_code;

constexpr std::uint64_t bytes_per_turn = 1 << 20;
constexpr std::chrono::seconds retry_blocked_after{1};
constexpr std::size_t readers_max = 256;
constexpr std::size_t unanswered_reads_max = 64;
constexpr unsigned pipes_per_stream_max = 8;

unsigned& pipes_of(TargetLogs& logs, LogStream stream) {
  return stream == LogStream::out ? logs.out_pipes : logs.err_pipes;
}

StreamLog& log_of(TargetLogs& logs, LogStream stream) {
  return stream == LogStream::out ? logs.out : logs.err;
}

}  // namespace

LogStore::LogStore(boost::asio::io_context& loop, std::string directory, LogHooks hooks)
    : loop_(loop),
      directory_(std::move(directory)),
      hooks_(std::move(hooks)),
      upkeep_(loop, logs_, [this](const std::string& text) {
        if (hooks_.trouble) hooks_.trouble(text);
      }) {}

// Targets that are not configured any more count too.
void LogStore::set_max_disk(std::uint64_t bytes) {
  upkeep_.set_max_disk(bytes);
  std::error_code error;
  if (bytes == 0) return;
  for (const auto& entry : std::filesystem::directory_iterator(directory_, error)) {
    const std::string name = entry.path().filename();
    if (is_name(name) && entry.is_directory(error)) make(name);
  }
}

void LogStore::tell(LogEvent event) {
  boost::asio::post(loop_,
                    [this, event = std::move(event)]() mutable { hooks_.event(std::move(event)); });
}

// ---- writing

void LogStore::attach(const std::string& target, const LogConfig& config, Descriptor out,
                      Descriptor err) {
  TargetLogs& logs = make(target);
  logs.out.configure(config);
  logs.err.configure(config);
  if (out) add_feed(logs, LogStream::out, std::move(out));
  if (err) add_feed(logs, LogStream::err, std::move(err));
  upkeep_.attached(logs);
}

void LogStore::begin_run(const std::string& target, std::uint64_t generation) {
  TargetLogs& logs = make(target);
  const auto time = std::chrono::system_clock::now().time_since_epoch();
  logs.runs.add(
      {generation, std::chrono::nanoseconds(time).count(), logs.out.end(), logs.err.end()});
  boost::asio::post(loop_, [&logs] { logs.runs.save(); });  // not before the launch is through
}

void LogStore::add_feed(TargetLogs& logs, LogStream stream, Descriptor pipe) {
  limit_feeds(logs, stream);
  const FeedId id = ++last_feed_;
  feeds_.emplace(id, Feed{&logs, stream, {loop_, pipe.release()}});
  logs.feeds.push_back(id);
  ++pipes_of(logs, stream);
  wait_for_bytes(id);
}

// Descendants that escaped from many generations may still hold their pipes: the oldest goes.
void LogStore::limit_feeds(const TargetLogs& logs, LogStream stream) {
  const unsigned pipes = stream == LogStream::out ? logs.out_pipes : logs.err_pipes;
  if (pipes < pipes_per_stream_max) return;
  for (const FeedId id : logs.feeds) {
    if (feeds_.at(id).stream != stream) continue;
    ++closed_pipes_;
    close_feed(id);
    return;
  }
}

void LogStore::close_feed(FeedId id) {
  const auto entry = feeds_.find(id);
  TargetLogs& logs = *entry->second.logs;
  const LogStream stream = entry->second.stream;
  feeds_.erase(entry);
  std::erase(logs.feeds, id);
  --pipes_of(logs, stream);
  wake_readers(logs, stream);  // the last line is now complete, newline or not
}

void LogStore::wait_for_bytes(FeedId id) {
  const auto entry = feeds_.find(id);
  if (entry == feeds_.end()) return;
  const auto wait = boost::asio::posix::stream_descriptor::wait_read;
  entry->second.pipe.async_wait(wait, [this, id](const error_code& error) {
    if (!error) move_bytes(id);
  });
}

void LogStore::move_bytes(FeedId id) {
  const auto entry = feeds_.find(id);
  if (entry == feeds_.end()) return;
  const auto taken = take(entry->second, bytes_per_turn);
  if (taken.ended) {
    close_feed(id);
  } else if (taken.blocked) {
    try_later(id);
  } else if (taken.more) {
    boost::asio::post(loop_, [this, id] { move_bytes(id); });
  } else {
    wait_for_bytes(id);
  }
}

// The target waits meanwhile, as its on_full says.
void LogStore::try_later(FeedId id) {
  auto& retry = feeds_.at(id).retry;
  if (!retry) retry = std::make_unique<boost::asio::steady_timer>(loop_);
  retry->expires_after(retry_blocked_after);
  retry->async_wait([this, id](const error_code& error) {
    if (!error) move_bytes(id);
  });
}

StreamLog::Taken LogStore::take(Feed& feed, std::uint64_t budget) {
  StreamLog& log = log_of(*feed.logs, feed.stream);
  const auto taken = log.take(feed.pipe.native_handle(), budget);
  if (taken.bytes > 0) {
    upkeep_.stored(*feed.logs, log, taken.bytes);
    wake_readers(*feed.logs, feed.stream);
  }
  const auto trouble = log.take_trouble();
  if (!trouble.empty() && hooks_.trouble) hooks_.trouble(trouble);
  return taken;
}

void LogStore::drain(const std::string& target) {
  const auto logs = logs_.find(target);
  if (logs == logs_.end()) return;
  for (const FeedId id : logs->second->feeds) {
    Feed& feed = feeds_.at(id);
    int queued = 0;
    // What comes later is somebody else's and not waited for.
    if (::ioctl(feed.pipe.native_handle(), FIONREAD, &queued) < 0) continue;
    auto left = static_cast<std::uint64_t>(std::max(queued, 0));
    while (left > 0) {
      const auto bytes = take(feed, left).bytes;
      if (bytes == 0) break;
      left -= bytes;
    }
  }
}

StreamLog& LogStore::stream_of(const std::string& target, LogStream stream) {
  return log_of(make(target), stream);
}

int LogStore::newest_pipe(const std::string& target, LogStream stream) {
  const auto logs = logs_.find(target);
  if (logs == logs_.end()) return -1;
  const auto& feeds = logs->second->feeds;
  for (auto id = feeds.rbegin(); id != feeds.rend(); ++id) {
    Feed& feed = feeds_.at(*id);
    if (feed.stream == stream) return feed.pipe.native_handle();
  }
  return -1;
}

std::vector<LogStore::HeldPipe> LogStore::held() {
  std::vector<HeldPipe> list;
  for (auto& [id, feed] : feeds_) {
    list.push_back({feed.logs->target, feed.stream, feed.pipe.native_handle()});
  }
  return list;
}

std::uint64_t LogStore::dropped_bytes() const {
  std::uint64_t total = 0;
  for (const auto& [name, logs] : logs_)
    total += logs->out.dropped_bytes() + logs->err.dropped_bytes();
  return total;
}

// ---- reading

TargetLogs& LogStore::make(const std::string& target) {
  CHECK(is_name(target));
  auto& logs = logs_[target];
  if (!logs) logs = std::make_unique<TargetLogs>(directory_ + "/" + target, target);
  return *logs;
}

TargetLogs* LogStore::find(const std::string& target) {
  const auto entry = logs_.find(target);
  if (entry != logs_.end()) return entry->second.get();
  struct stat info = {};
  if (!is_name(target)) return nullptr;
  const auto path = directory_ + "/" + target;
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode) ? &make(target) : nullptr;
}

void LogStore::perform(const LogEffect& effect) {
  if (const auto* opened = std::get_if<OpenLog>(&effect)) open(*opened);
  if (const auto* wanted = std::get_if<ReadLog>(&effect)) read(*wanted);
  if (const auto* closed = std::get_if<CloseLog>(&effect)) readers_.erase(closed->reader);
}

void LogStore::open(const OpenLog& effect) {
  const TargetLogs* logs = find(effect.query.target);
  if (logs == nullptr) {
    return fail(effect.reader, fmt::format("no log of target {} here", effect.query.target));
  }
  if (readers_.size() >= readers_max) return fail(effect.reader, "too many log readers here");
  auto reader = LogReader::open(*logs, effect.query);
  if (!reader) return fail(effect.reader, reader.error().text());
  readers_[effect.reader] = Reader{std::move(*reader), {}, false};
}

void LogStore::read(const ReadLog& effect) {
  const auto entry = readers_.find(effect.reader);
  if (entry == readers_.end()) return fail(effect.reader, "no such log reader");
  auto& wanted = entry->second.wanted;
  if (wanted.size() >= unanswered_reads_max) {
    return fail(effect.reader, "too many unanswered reads");
  }
  wanted.push_back(effect.max_bytes);
  if (wanted.size() > 1) return;
  const auto id = effect.reader;
  boost::asio::post(loop_, [this, id] { answer(id); });
}

void LogStore::answer(std::uint64_t id) {
  const auto entry = readers_.find(id);
  if (entry == readers_.end() || entry->second.wanted.empty()) return;
  Reader& reader = entry->second;
  auto chunk = reader.reader->read(reader.wanted.front());
  if (chunk) {
    reader.wanted.pop_front();
    reader.waiting = chunk->at_end && reader.reader->follows();
    chunk->reader = id;
    hooks_.event(std::move(*chunk));
  }
  const auto still = readers_.find(id);
  if (still == readers_.end() || still->second.wanted.empty()) return;
  boost::asio::post(loop_, [this, id] { answer(id); });
}

void LogStore::fail(std::uint64_t id, std::string text) {
  readers_.erase(id);
  tell(LogFailed{id, std::move(text)});
}

void LogStore::wake_readers(const TargetLogs& logs, LogStream stream) {
  if (hooks_.grew) hooks_.grew(logs.target);
  for (auto& [id, entry] : readers_) {
    if (!entry.waiting || &entry.reader->logs() != &logs || !entry.reader->reads(stream)) continue;
    entry.waiting = false;
    tell(LogGrew{id});
  }
}

}  // namespace banyan::leaf
