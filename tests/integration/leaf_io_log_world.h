#pragma once
// The log store fed by the test itself: pipes without a process.

#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "tests/integration/leaf_io_world.h"

namespace banyan::leaf {

inline std::string name_of(LogStream stream) { return stream == LogStream::out ? "out" : "err"; }

inline std::uintmax_t bytes_in(const std::string& folder) {
  std::uintmax_t total = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    total += entry.file_size(error);
  }
  return total;
}

class LogWorld : public testing::Test {
 protected:
  void attach(const LogConfig& config = {}) {
    Descriptor out = pipe(out_);
    Descriptor err = pipe(err_);
    world.logs.attach("api", config, std::move(out), std::move(err));
  }
  static Descriptor pipe(Descriptor& writer) {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    EXPECT_EQ(::fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    writer.reset(ends[1]);
    return Descriptor(ends[0]);
  }
  // Writes and waits until it is stored, so that the next write is another batch.
  void write(const Descriptor& writer, std::string_view text) {
    while (!text.empty()) {
      const auto size =
          ::write(writer.get(), text.data(), std::min<std::size_t>(text.size(), 4096));
      ASSERT_GT(size, 0);
      text.remove_prefix(static_cast<std::size_t>(size));
      world.logs.drain("api");
    }
  }
  void out(std::string_view text) { write(out_, text); }
  void err(std::string_view text) { write(err_, text); }
  void close_pipes() {
    out_.reset();
    err_.reset();
    ASSERT_TRUE(world.run_until([this] { return world.logs.pipes() == 0; }));
  }
  std::string folder() { return world.scratch / "logs/api"; }
  std::size_t files(const std::string& ending) {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder())) {
      count += entry.path().filename().string().ends_with(ending) ? 1 : 0;
    }
    return count;
  }
  // "out:text" per record.
  std::vector<std::string> lines(const LogQuery& query) {
    std::vector<std::string> all;
    for (const auto& record : world.read_records(query)) {
      std::istringstream text(record.data);
      for (std::string line; std::getline(text, line);) {
        all.push_back(name_of(record.stream) + ":" + line);
      }
    }
    return all;
  }
  const LogFailed* failure_of(const LogQuery& query) {
    world.log_events.clear();
    world.logs.perform(OpenLog{99, query});
    world.run_until([this] { return !world.log_events.empty(); });
    return std::get_if<LogFailed>(&world.log_events.front());
  }
  std::string next_chunk(std::uint64_t reader, bool& at_end) {
    world.log_events.clear();
    world.logs.perform(ReadLog{reader, 30'000});
    std::string text;
    const LogChunk* chunk = nullptr;
    world.run_until([&] {
      for (const auto& event : world.log_events) {
        if (chunk == nullptr) chunk = std::get_if<LogChunk>(&event);
      }
      return chunk != nullptr;
    });
    at_end = chunk != nullptr && chunk->at_end;
    if (chunk == nullptr) return text;
    for (const auto& record : chunk->records) text += record.data;
    return text;
  }
  bool grew(std::uint64_t reader) {
    return world.run_until([&] {
      for (const auto& event : world.log_events) {
        const auto* grown = std::get_if<LogGrew>(&event);
        if (grown != nullptr && grown->reader == reader) return true;
      }
      return false;
    });
  }

  World world;
  Descriptor out_;
  Descriptor err_;
};

// NULs, all byte values, lines of 100 KB and 1 MiB, many short ones, no newline at the end.
inline std::string awkward_bytes() {
  std::string bytes = "first\n";
  bytes += std::string(100'000, '\0') + "\n";
  bytes += std::string(1 << 20, 'x') + "\n";
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  bytes += "\n\n\n\xff\xfe not UTF-8\n";
  for (int i = 0; i < 20'000; ++i) bytes += fmt::format("line {}\n", i);
  return bytes + "last line without newline";
}

}  // namespace banyan::leaf
