#pragma once
// One target as configured: plain values, read by leaf/io/target_reader, used by the supervisor.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/time.h"
#include "leaf/cron_schedule.h"
#include "leaf/process_config.h"

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

enum class LogParse { text, json };        // where a line says its level
enum class OnFull { drop_oldest, block };  // when the disk takes no more

struct LogConfig {
  std::uint64_t max_size = 64ULL << 20;  // bytes of one segment file
  unsigned max_files = 8;                // of max_size; so many times as many shorter ones: 32
  std::uint64_t max_disk = 0;            // bytes on disk of both streams; 0 = no limit
  Duration max_age{0};                   // of the last byte of a segment; 0 = no limit
  std::uint64_t rate = 0;                // bytes per second of each stream; 0 = no limit
  OnFull on_full = OnFull::drop_oldest;
  LogParse parse = LogParse::text;
  bool compress = true;  // closed segments, by zstd
  bool operator==(const LogConfig&) const = default;
};

// One way to ask whether a target is well.
enum class CheckKind { none, notify, fd, exec, tcp, http, log };

struct CheckConfig {
  CheckKind kind = CheckKind::none;
  std::vector<std::string> exec;   // argv; exit codes as Nagios plugins have them
  std::string host = "127.0.0.1";  // tcp, http
  std::uint16_t port = 0;          // tcp, http
  std::string path = "/";          // http: an answer below 400 is well
  std::string pattern;             // log: RE2, on any line that the target writes
  int fd = 3;                      // fd: the target writes a line to this descriptor
  Duration timeout = seconds{3};   // of one try
  bool operator==(const CheckConfig&) const = default;
};

struct ReadyConfig {  // `starting` lasts until it holds
  CheckConfig check;
  Duration every = milliseconds{200};  // exec, tcp, http: until the first success
  Duration timeout = seconds{60};      // then the start has failed
  bool operator==(const ReadyConfig&) const = default;
};

struct HealthConfig {
  CheckConfig check;
  Duration every = seconds{10};
  Duration delay{0};      // after the target is running
  unsigned failures = 3;  // in a row, then it is unhealthy
  bool restart = false;   // when it is
  bool operator==(const HealthConfig&) const = default;
};

// Run anew, as after a failure, when the whole subtree has been above one of these for `hold`.
struct RestartOn {
  std::uint64_t memory = 0;  // bytes resident; 0 = no limit
  double cpu = 0;            // CPUs; 0 = no limit
  Duration hold = seconds{30};
  bool any() const { return memory > 0 || cpu > 0; }
  bool operator==(const RestartOn&) const = default;
};

enum class AgentDeath { keep, kill };  // what becomes of a target when the agent dies
struct StopStep {                      // one more signal of the stop sequence
  Duration pause{0};                   // after the one before
  int signal = 15;
  bool operator==(const StopStep&) const = default;
};

// What a failure of one target means for the others of its strategy_group.
enum class Strategy {
  one_for_one,   // nothing
  rest_for_one,  // those configured after it are run anew
  all_for_one    // all are
};

struct TargetConfig {
  std::string name;
  std::string group;                 // whose instance it is; its own name when it is the only one
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
  std::vector<StopStep> stop_more;  // after stop_signal, before KILL
  Duration stop_timeout = seconds{10};
  std::map<std::string, std::string> labels;
  AgentDeath on_agent_death = AgentDeath::keep;
  LogConfig log;
  ProcessConfig process;
  ReadyConfig ready;
  HealthConfig health;
  RestartOn restart_on;
  Duration watchdog{0};              // the target must say WATCHDOG=1 this often; 0 = not asked for
  std::vector<std::string> depends;  // names of targets of this leaf that must be ready first
  Strategy strategy = Strategy::one_for_one;
  std::string strategy_group;            // targets of the same word belong together
  std::optional<CronSchedule> schedule;  // run at these times only

  bool operator==(const TargetConfig&) const = default;
};

}  // namespace banyan::leaf
