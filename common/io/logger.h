#pragma once
// Log lines to stderr: `2026-03-01T12:00:00.123Z warning path=dc1/web-1 state=lost was=suspect`.
//
// Synchronous, one write per line. A reader of stderr that has stopped reading costs the daemon at
// most `patience` once; from then on lines are dropped without waiting until it reads again, and
// the first line after that says how many were lost. Lines are cut at max_line bytes, control
// characters become '?': names in them come from other hosts. One thread.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/tree/node_event.h"

namespace banyan::io {

struct LoggerOptions {
  tree::LogLevel level = tree::LogLevel::info;
  bool silent = false;  // warnings and errors only, whatever the level
  int descriptor = 2;   // not closed
};

// "debug", "info", "warning", "error"; anything else is info (the configuration reader refuses it).
tree::LogLevel log_level_from(std::string_view name);

class Logger {
 public:
  static constexpr std::size_t max_line = 4096;
  static constexpr Duration patience = milliseconds{100};

  explicit Logger(LoggerOptions options);
  ~Logger();
  Logger(const Logger&) = delete;
  Logger& operator=(const Logger&) = delete;

  void write(tree::LogLevel level, std::string_view text);
  void set(tree::LogLevel level, bool silent);
  std::uint64_t dropped() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace banyan::io
