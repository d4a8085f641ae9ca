#pragma once
// Performs checks of targets and tells their results, by the kind that is asked for:
//   exec      helper_processes.h: as the target's user, in its directory, with its environment
//   tcp http  network_checks.h
//   log       log_watch.h: any line that this generation wrote since its launch
//   fd        ready_pipes.h
//   notify    nothing to do: what the target says by sd_notify comes as Notified (notify_socket.h)
// One try at a time per generation and purpose; a new one replaces it. Results are told from the
// loop, never from inside perform(). Loop's thread; must live until the loop has stopped.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>

#include <boost/asio/io_context.hpp>

#include "leaf/io/helper_processes.h"
#include "leaf/io/log_watch.h"
#include "leaf/io/network_checks.h"
#include "leaf/io/ready_pipes.h"
#include "leaf/leaf_event.h"

namespace banyan::leaf {

struct CheckHooks {
  std::function<void(CheckEvent)> event;
  // Where a target's output lies; null when it never had any.
  std::function<const TargetLogs*(const std::string& target)> logs;
};

// Nagios's exit codes: 0 healthy, 1 degraded, 2 unhealthy, 3 unknown. Anything else, a signal and
// no end within the timeout are unhealthy; a check that could not be started is unknown.
CheckAnswer judge_exec(const HelperResult& result, Duration timeout);

class CheckRunner {
 public:
  CheckRunner(boost::asio::io_context& loop, HelperProcesses& helpers, CheckHooks hooks);

  // A generation was launched; `ready` is the read end of its pipe, if it has one. Its checks are
  // refused before this.
  void begin(const TargetConfig& config, std::uint64_t generation, Descriptor ready);
  void perform(const CheckEffect& effect);
  // The target's log has grown.
  void grew(const std::string& target);

  // The read ends of readiness pipes that are open, borrowed.
  std::map<ReadyPipes::Key, int> ready_pipes() { return pipes_.held(); }
  std::size_t running() const { return running_.size(); }

 private:
  using Key = ReadyPipes::Key;
  using TryKey = std::tuple<std::string, std::uint64_t, CheckPurpose>;
  struct Generation {
    TargetConfig config;  // without what a check does not need
    LogPlace log_begin;
  };
  struct Try {
    CheckKind kind = CheckKind::none;
    std::uint64_t id = 0;  // of the helper or the network check
    std::optional<LogWatch> watch;
    bool looking = false;
  };
  void run(const RunCheck& effect);
  void run_exec(const TryKey& key, const CheckConfig& check, const Generation& generation);
  void run_log(const TryKey& key, const CheckConfig& check, const Generation& generation);
  void look(const TryKey& key);
  void plan_look(const TryKey& key, Try& each);
  void cancel(const CancelChecks& effect);
  void forget(const Key& key);
  void stop(const TryKey& key);
  void answer(const TryKey& key, CheckAnswer answer);
  void answer_later(const TryKey& key, CheckAnswer answer);

  boost::asio::io_context& loop_;
  HelperProcesses& helpers_;
  CheckHooks hooks_;
  NetworkChecks network_;
  ReadyPipes pipes_;
  std::map<Key, Generation> generations_;  // one or two of each target
  std::map<TryKey, Try> running_;
};

}  // namespace banyan::leaf
