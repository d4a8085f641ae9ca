#include "leaf/io/log_dump.h"

#include <cstdio>
#include <filesystem>

#include <fmt/format.h>

#include "common/base/time.h"
#include "leaf/io/log_reader.h"

namespace banyan::leaf {
namespace {

constexpr std::uint64_t bytes_at_once = 256 << 10;

class Dump {
 public:
  void take(const LogRecord& record) {
    if (record.gap_bytes > 0) {
      end_line();
      begin_line(record, record.offset);
      fmt::print("-- {} bytes are missing --\n", record.gap_bytes);
      return;
    }
    std::string_view rest = record.data;
    std::uint64_t offset = record.offset;
    while (!rest.empty()) {
      const auto newline = rest.find('\n');
      const auto line = rest.substr(0, newline == rest.npos ? rest.size() : newline + 1);
      // A very long line goes on in the next record of its stream.
      const bool goes_on = open_ && stream_ == record.stream && next_ == offset;
      if (!goes_on) {
        end_line();
        begin_line(record, offset);
      }
      std::fwrite(line.data(), 1, line.size(), stdout);
      open_ = newline == rest.npos;
      stream_ = record.stream;
      offset += line.size();
      next_ = offset;
      rest.remove_prefix(line.size());
    }
  }

  void end_line() {
    if (open_) std::fputc('\n', stdout);
    open_ = false;
  }

 private:
  static void begin_line(const LogRecord& record, std::uint64_t offset) {
    constexpr std::int64_t ns_per_ms = 1'000'000;
    fmt::print("{} {} {} ", rfc3339(wall_from_ms(record.time_ns / ns_per_ms)),
               record.stream == LogStream::err ? "stderr" : "stdout", offset);
  }

  bool open_ = false;  // the last line has no newline yet
  LogStream stream_ = LogStream::out;
  std::uint64_t next_ = 0;
};

int fail(const std::string& text) {
  fmt::print(stderr, "banyan-leaf: {}\n", text);
  return 1;
}

}  // namespace

int dump_log(const std::string& directory) {
  std::error_code error;
  if (!std::filesystem::is_directory(directory, error)) {
    return fail(fmt::format("{}: no such directory; a target's log is in STATE_DIR/logs/TARGET",
                            directory));
  }
  const TargetLogs logs(directory, std::filesystem::path(directory).filename(), KeptFiles::as_are);
  if (logs.out.segments().empty() && logs.err.segments().empty()) {
    return fail(
        fmt::format("{}: no log in it; a target's log is in STATE_DIR/logs/TARGET", directory));
  }
  const auto reader = LogReader::open(logs, LogQuery{});
  if (!reader) return fail(reader.error().text());
  Dump dump;
  for (;;) {
    const auto chunk = (*reader)->read(bytes_at_once);
    if (!chunk) continue;  // it needs another turn
    for (const auto& record : chunk->records) dump.take(record);
    if (chunk->at_end) break;
  }
  dump.end_line();
  return std::fflush(stdout) == 0 ? 0 : fail("stdout takes no more");
}

}  // namespace banyan::leaf
