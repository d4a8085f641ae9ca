#include "leaf/io/log_upkeep.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include <fmt/format.h>

namespace banyan::leaf {
namespace {

constexpr std::uint64_t looks_per_limit = 64;
constexpr std::uint64_t least_between_looks = 64 << 10;
constexpr int looks_per_age = 16;
constexpr std::chrono::nanoseconds shortest_look = std::chrono::seconds{1};
constexpr std::chrono::nanoseconds longest_look = std::chrono::minutes{10};

std::int64_t wall_ns() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(since_epoch).count();
}

std::uint64_t disk_of(const TargetLogs& logs) {
  return logs.out.disk_bytes() + logs.err.disk_bytes();
}

// When the oldest segment was written last; an open one comes after all closed ones.
std::int64_t age_of(const StreamLog& log) {
  const auto& oldest = log.segments().front();
  return oldest.closed ? oldest.last_ns : std::numeric_limits<std::int64_t>::max();
}

// The stream to shorten first: whose oldest bytes are the oldest, then the largest.
bool goes_before(const StreamLog& a, const StreamLog& b) {
  if (age_of(a) != age_of(b)) return age_of(a) < age_of(b);
  return a.disk_bytes() > b.disk_bytes();
}

void consider(StreamLog& log, StreamLog*& first) {
  if (log.segments().empty()) return;
  if (first == nullptr || goes_before(log, *first)) first = &log;
}

}  // namespace

LogUpkeep::LogUpkeep(boost::asio::io_context& loop, const LogsByTarget& logs,
                     std::function<void(const std::string&)> trouble)
    : logs_(logs),
      trouble_(std::move(trouble)),
      packer_(loop, [this](const LogPacker::Packed& done) { packed(done); }),
      ages_(loop) {}

void LogUpkeep::start_packing() {
  packing_ = true;
  for (const auto& [name, logs] : logs_) {
    pack_closed(*logs, logs->out);
    pack_closed(*logs, logs->err);
  }
}

void LogUpkeep::attached(TargetLogs& logs) {
  pack_closed(logs, logs.out);
  pack_closed(logs, logs.err);
  const std::chrono::nanoseconds age = logs.out.config().max_age;
  if (age.count() <= 0) return;
  const auto every = std::clamp(age / looks_per_age, shortest_look, longest_look);
  if (look_every_.count() > 0 && look_every_ <= every) return;
  look_every_ = every;
  wait_for_age();
}

void LogUpkeep::wait_for_age() {
  ages_.expires_after(look_every_);
  ages_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    const auto now = wall_ns();
    for (const auto& [name, logs] : logs_) {
      logs->out.expire(now);
      logs->err.expire(now);
    }
    wait_for_age();
  });
}

void LogUpkeep::stored(TargetLogs& logs, StreamLog& log, std::uint64_t bytes) {
  logs.runs.save();
  pack_closed(logs, log);
  keep_within_disk(logs);
  if (max_disk_ == 0) return;
  stored_ += bytes;
  if (stored_ < std::max(max_disk_ / looks_per_limit, least_between_looks)) return;
  stored_ = 0;
  keep_all_within_disk();
}

void LogUpkeep::pack_closed(const TargetLogs& logs, StreamLog& log) {
  if (!packing_ || !log.config().compress) return;
  const SegmentFiles& files = log.files();
  for (const std::uint64_t first : log.take_unpacked()) {
    if (packer_.add({logs.target, files.stream(), first, files.plain(first), files.packed(first)}))
      continue;
    trouble_(fmt::format("{}: too many log files wait to be compressed: it stays as it is",
                         files.plain(first)));
  }
}

void LogUpkeep::packed(const LogPacker::Packed& packed) {
  const auto& job = packed.job;
  const auto found = logs_.find(job.target);
  if (found == logs_.end()) return;
  StreamLog& log = job.stream == "stdout" ? found->second->out : found->second->err;
  if (packed.error == 0) {
    log.packed(job.first);
  } else if (packed.error != ENOENT) {  // it may have been rotated away meanwhile
    trouble_(fmt::format("log file {} can't be compressed: {}; it stays as it is", job.plain,
                         ::strerrordesc_np(packed.error)));
  }
}

void LogUpkeep::keep_within_disk(TargetLogs& logs) {
  const auto most = logs.out.config().max_disk;
  if (most == 0) return;
  while (disk_of(logs) > most) {
    StreamLog* first = nullptr;
    consider(logs.out, first);
    consider(logs.err, first);
    if (first == nullptr) return;
    first->drop_oldest();
  }
}

void LogUpkeep::keep_all_within_disk() {
  std::uint64_t total = 0;
  for (const auto& [name, logs] : logs_) total += disk_of(*logs);
  while (total > max_disk_) {
    StreamLog* first = nullptr;
    for (const auto& [name, logs] : logs_) {
      consider(logs->out, first);
      consider(logs->err, first);
    }
    if (first == nullptr) return;
    const auto before = first->disk_bytes();
    first->drop_oldest();
    total -= std::min(total, before - first->disk_bytes());
    if (before == first->disk_bytes()) return;
  }
}

}  // namespace banyan::leaf
