#pragma once
// One target as configured: plain values, read by leaf/io/target_reader, used by the supervisor.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/time.h"

namespace banyan::leaf {

enum class RestartPolicy { always, on_failure, never };

struct Backoff {
  Duration min = milliseconds{100};
  Duration max = seconds{30};
  bool operator==(const Backoff&) const = default;
};

struct Intensity {  // at most `count` restarts within `period`; count 0 = no limit
  unsigned count = 0;
  Duration period{0};
  bool operator==(const Intensity&) const = default;
};

struct LogConfig {
  std::uint64_t max_size = 64ULL << 20;  // bytes of one segment file
  unsigned max_files = 8;                // segments kept per stream
  bool operator==(const LogConfig&) const = default;
};

struct TargetConfig {
  std::string name;
  std::vector<std::string> command;  // argv; never empty
  std::string cwd;                   // empty = the leaf's own
  std::map<std::string, std::string> env;
  std::optional<unsigned> umask;
  bool autostart = true;
  RestartPolicy restart = RestartPolicy::always;
  std::vector<int> success_codes = {0};
  Backoff backoff;
  Intensity max_restarts;
  int stop_signal = 15;
  Duration stop_timeout = seconds{10};
  std::map<std::string, std::string> labels;
  LogConfig log;

  bool operator==(const TargetConfig&) const = default;
};

}  // namespace banyan::leaf
