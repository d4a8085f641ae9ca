#include "common/io/spool_files.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "common/base/digest.h"
#include "common/io/files.h"

namespace banyan::io {
namespace {

constexpr std::size_t head_bytes = 8;

std::uint32_t check_of(const std::string& bytes) {
  return static_cast<std::uint32_t>(fact_hash("", 0, "spool", bytes).low);
}

std::string record_of(const v1::HeldEvents& held) {
  const std::string bytes = held.SerializeAsString();
  const std::uint32_t head[2] = {static_cast<std::uint32_t>(bytes.size()), check_of(bytes)};
  std::string record(head_bytes, '\0');
  std::memcpy(record.data(), head, head_bytes);
  return record + bytes;
}

// The record at `at`, which moves behind it.
std::optional<v1::HeldEvents> next_record(const std::string& file, std::size_t& at) {
  if (file.size() - at < head_bytes) return std::nullopt;
  std::uint32_t head[2];
  std::memcpy(head, file.data() + at, head_bytes);
  if (head[0] == 0 || file.size() - at - head_bytes < head[0]) return std::nullopt;
  const std::string bytes = file.substr(at + head_bytes, head[0]);
  v1::HeldEvents held;
  if (check_of(bytes) != head[1] || !held.ParseFromString(bytes)) return std::nullopt;
  at += head_bytes + head[0];
  return held;
}

std::optional<v1::HeldEvents> read_stream(const std::string& file) {
  std::size_t at = 0;
  auto stream = next_record(file, at);
  while (stream) {
    auto more = next_record(file, at);
    if (!more) break;
    for (auto& event : *more->mutable_events()) *stream->add_events() = std::move(event);
    stream->set_last(stream->last() + static_cast<std::uint64_t>(more->events_size()));
    stream->set_acked(std::max(stream->acked(), more->acked()));
  }
  if (!stream) return stream;
  stream->set_acked(std::min(stream->acked(), stream->last()));
  const auto held = stream->last() - stream->acked();
  const auto count = static_cast<std::uint64_t>(stream->events_size());
  const auto known = static_cast<int>(count > held ? count - held : 0);
  stream->mutable_events()->DeleteSubrange(0, known);
  return stream;
}

bool same(const v1::Boot& left, const v1::Boot& right) {
  return left.start_ms() == right.start_ms() && left.random() == right.random();
}

Status write_whole(int file, const std::string& bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t wrote = ::write(file, bytes.data() + done, bytes.size() - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return failure("cannot write", {}, error_text(wrote < 0 ? errno : ENOSPC));
    done += static_cast<std::size_t>(wrote);
  }
  return {};
}

}  // namespace

SpoolFiles::~SpoolFiles() {
  if (file_ >= 0) ::close(file_);
}

std::string SpoolFiles::path_of(const v1::Boot& boot) const {
  return fmt::format("{}/{:016x}-{:016x}", directory_, static_cast<std::uint64_t>(boot.start_ms()),
                     boot.random());
}

std::vector<v1::HeldEvents> SpoolFiles::load(const v1::Boot& present) {
  std::vector<v1::HeldEvents> found;
  std::error_code error;
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(directory_, error)) {
    paths.push_back(entry.path().string());
  }
  for (const auto& path : paths) {
    const auto bytes = read_file(path, max_file_bytes);
    auto stream = bytes ? read_stream(*bytes) : std::nullopt;
    if (stream && same(stream->boot(), present)) continue;
    if (stream && path == path_of(stream->boot()) && stream->acked() < stream->last()) {
      found.push_back(std::move(*stream));
    } else {
      std::filesystem::remove(path, error);
    }
  }
  std::sort(found.begin(), found.end(), [](const auto& left, const auto& right) {
    return left.boot().start_ms() < right.boot().start_ms();
  });
  while (found.size() > max_streams) {
    lost_ += found.front().last() - found.front().acked();
    std::filesystem::remove(path_of(found.front().boot()), error);
    found.erase(found.begin());
  }
  return found;
}

std::string SpoolFiles::begin(const tree::EventOutbox& outbox) {
  return said(begin_file(outbox.held()));
}

std::string SpoolFiles::keep(const tree::SpoolEffects& effects, const tree::EventOutbox& outbox) {
  if (effects.empty()) return "";
  Status done = write(effects);
  const bool is_long = size_ > rest && size_ > outbox.bytes() * 4;
  if (done && (stale_ || is_long)) done = begin_file(outbox.held());
  return said(done);
}

std::string SpoolFiles::said(const Status& done) {
  if (std::exchange(failing_, !done) == !done) return "";
  if (done) return "events are kept on the disk again";
  return done.error().text() + "; events that the root has not stored are in memory alone";
}

Status SpoolFiles::begin_file(const v1::HeldEvents& held) {
  if (auto made = make_directory(directory_); !made) return made;
  boot_ = held.boot();
  const std::string path = path_of(boot_);
  const std::string beside = path + ".new";
  const int file =
      ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
  if (file < 0) return failure("cannot keep events", beside, error_text(errno));
  const std::string record = record_of(held);
  auto done = write_whole(file, record);
  if (done && ::rename(beside.c_str(), path.c_str()) != 0) {
    done = failure("cannot keep events", path, error_text(errno));
  }
  if (!done) {
    ::close(file);
    ::unlink(beside.c_str());
    return done;
  }
  if (file_ >= 0) ::close(file_);
  file_ = file;
  size_ = record.size();
  stale_ = false;
  return {};
}

Status SpoolFiles::append(const v1::HeldEvents& record) {
  if (file_ < 0) {
    stale_ = true;
    return failure("cannot keep events", directory_, "there is no file");
  }
  const std::string bytes = record_of(record);
  const auto done = write_whole(file_, bytes);
  size_ += bytes.size();
  stale_ = !done;
  return done;
}

Status SpoolFiles::write(const tree::SpoolEffects& effects) {
  Status done;
  v1::HeldEvents record;
  for (const auto& event : effects.added) *record.add_events() = event;
  for (const auto& ack : effects.acked) {
    if (same(ack.boot(), boot_)) record.set_acked(std::max(record.acked(), ack.upto()));
  }
  const bool news = record.events_size() > 0 || record.acked() > 0;
  if (news && !stale_) done = append(record);
  for (const auto& boot : effects.drained) ::unlink(path_of(boot).c_str());
  return done;
}

tree::OwnEvent events_lost_event(std::uint64_t count) {
  return {"events_lost", "", fmt::format("{} events of earlier runs are gone", count),
          fmt::format(R"({{"count":{}}})", count)};
}

}  // namespace banyan::io
