#include "common/io/logger.h"

#include <fmt/format.h>
#include <poll.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "common/io/clock.h"

namespace banyan::io {
namespace {

spdlog::level::level_enum to_spdlog(tree::LogLevel level) {
  switch (level) {
    case tree::LogLevel::debug:
      return spdlog::level::debug;
    case tree::LogLevel::info:
      return spdlog::level::info;
    case tree::LogLevel::warning:
      return spdlog::level::warn;
    case tree::LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

bool writable(int descriptor, Duration patience) {
  const int wait_ms = static_cast<int>(std::chrono::duration_cast<milliseconds>(patience).count());
  pollfd polled{descriptor, POLLOUT, 0};
  return ::poll(&polled, 1, wait_ms) == 1 && (polled.revents & POLLOUT) != 0;
}

ssize_t write_some(int descriptor, std::string_view bytes) {
  const ssize_t sent = ::send(descriptor, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent >= 0 || errno != ENOTSOCK) return sent;
  return ::write(descriptor, bytes.data(), bytes.size());
}

// How much of it went out. A pipe that polls writable takes PIPE_BUF bytes at once; a socket is
// asked not to wait. Either may take less, or be interrupted.
std::size_t write_what_fits(int descriptor, std::string_view bytes, Duration patience) {
  std::size_t written = 0;
  while (written < bytes.size() && writable(descriptor, patience)) {
    const ssize_t size = write_some(descriptor, bytes.substr(written));
    if (size < 0 && errno != EINTR) break;
    if (size <= 0) continue;
    written += static_cast<std::size_t>(size);
    patience = Duration{0};
  }
  return written;
}

// spdlog has no sink that never blocks: its stderr sink waits for a full pipe for ever.
class PatientSink : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  explicit PatientSink(int descriptor) : descriptor_(descriptor) {}
  std::uint64_t dropped() const { return dropped_; }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    const std::string_view text(message.payload.data(), message.payload.size());
    if (lost_ > 0 && !write_line(loss_line(), Duration{0})) {
      lose();
      return;
    }
    lost_ = 0;
    if (!write_line(text, Logger::patience)) lose();
  }
  void flush_() override {}

 private:
  // What begins behind half a line begins on a line of its own.
  bool write_line(std::string_view line, Duration patience) {
    const std::string text = (cut_ ? "\n" : "") + std::string(line);
    const auto written = write_what_fits(descriptor_, text, patience);
    if (written > 0) cut_ = written < text.size();
    return written == text.size();
  }
  std::string loss_line() const {
    return fmt::format("{} warning log_lines_lost={} reason=\"stderr was not read\"\n",
                       rfc3339(read_clock().wall), lost_);
  }
  void lose() {
    ++lost_;
    ++dropped_;
  }

  int descriptor_;
  std::uint64_t lost_ = 0;  // since the last line that got out
  bool cut_ = false;        // the last one got out in part
  std::uint64_t dropped_ = 0;
};

std::string_view name_of(tree::LogLevel level) {
  switch (level) {
    case tree::LogLevel::debug:
      return "debug";
    case tree::LogLevel::info:
      return "info";
    case tree::LogLevel::warning:
      return "warning";
    case tree::LogLevel::error:
      return "error";
  }
  return "info";
}

std::string make_line(tree::LogLevel level, std::string_view text) {
  std::string line = fmt::format("{} {} {}", rfc3339(read_clock().wall), name_of(level), text);
  if (line.size() >= Logger::max_line) line.resize(Logger::max_line - 1);
  for (char& byte : line) {
    if (static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f) byte = '?';
  }
  line += '\n';
  return line;
}

}  // namespace

struct Logger::Impl {
  std::shared_ptr<PatientSink> sink;
  spdlog::logger logger;

  explicit Impl(int descriptor)
      : sink(std::make_shared<PatientSink>(descriptor)), logger("banyan", sink) {}
};

tree::LogLevel log_level_from(std::string_view name) {
  if (name == "debug") return tree::LogLevel::debug;
  if (name == "warning") return tree::LogLevel::warning;
  if (name == "error") return tree::LogLevel::error;
  return tree::LogLevel::info;
}

Logger::Logger(LoggerOptions options) : impl_(std::make_unique<Impl>(options.descriptor)) {
  set(options.level, options.silent);
}

Logger::~Logger() = default;

void Logger::set(tree::LogLevel level, bool silent) {
  const bool raise = silent && level < tree::LogLevel::warning;
  impl_->logger.set_level(to_spdlog(raise ? tree::LogLevel::warning : level));
}

void Logger::write(tree::LogLevel level, std::string_view text) {
  if (!impl_->logger.should_log(to_spdlog(level))) return;
  const std::string line = make_line(level, text);
  impl_->logger.log(to_spdlog(level), spdlog::string_view_t(line.data(), line.size()));
}

std::uint64_t Logger::dropped() const { return impl_->sink->dropped(); }

}  // namespace banyan::io
