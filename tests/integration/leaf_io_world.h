#pragma once
// A leaf's processes and logs on a loop of the test's own, without a leaf: effects in, events
// kept. Each test has its own temporary directory and instance; all it launched is ended with it.

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <boost/asio/io_context.hpp>

#include "leaf/io/cgroups.h"
#include "leaf/io/check_runner.h"
#include "leaf/io/helper_processes.h"
#include "leaf/io/log_store.h"
#include "leaf/io/process_table.h"

namespace banyan::leaf {

class Scratch {
 public:
  Scratch() {
    std::string pattern = std::filesystem::temp_directory_path() / "banyan-leaf-io-XXXXXX";
    path_ = ::mkdtemp(pattern.data());
  }
  ~Scratch() { std::filesystem::remove_all(path_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

inline void write_file(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

inline std::string fresh_instance() {
  static std::atomic<unsigned> count{0};
  return fmt::format("{:08x}{:08x}", ::getpid(), ++count);
}

// All that is kept of the target "api".
inline LogQuery all_of(LogStream stream = LogStream::both) {
  LogQuery query;
  query.target = "api";
  query.stream = stream;
  return query;
}

class World {
 public:
  World()
      : logs(loop, scratch / "logs",
             {[this](LogEvent event) { log_events.push_back(std::move(event)); },
              [this](const std::string& text) { troubles.push_back(text); },
              [this](const std::string& target) { checks.grew(target); }}),
        helpers(loop, instance),
        checks(loop, helpers,
               {[this](CheckEvent event) { check_events.push_back(std::move(event)); },
                [this](const std::string& target) { return logs.logs_of(target); }}),
        table(loop, instance,
              {[this](ProcessEvent event) { events.push_back(std::move(event)); },
               [this](const TargetConfig& config, Descriptor out, Descriptor err) {
                 logs.attach(config.name, config.log, std::move(out), std::move(err));
               },
               [this](const std::string& target) {
                 drained.push_back(target);
                 logs.drain(target);
               },
               [this](const TargetConfig& config, std::uint64_t of, LaunchExtras& extras) {
                 extras.environment = extra_environment;
                 if (groups) extras.cgroup = groups->make(config.name, of, config.process);
               },
               [this](const TargetConfig& config, std::uint64_t of, Descriptor ready) {
                 checks.begin(config, of, std::move(ready));
               },
               {[this](const std::string& target, std::uint64_t of) {
                  return groups ? groups->kill(target, of) : std::nullopt;
                },
                [this](const std::string& target, std::uint64_t of) {
                  return groups->left(target, of);
                },
                [this](const std::string& target, std::uint64_t of) {
                  return groups && groups->oom_killed(target, of);
                },
                [this](const std::string& target, std::uint64_t of) {
                  if (groups) groups->release(target, of);
                }},
               [this](int pid) { return helpers.dead(pid); },
               [this](const siginfo_t& info) { helpers.reaped(info); },
               {},
               {},
               [this](const std::string& text) { troubles.push_back(text); }}) {}
  // A process that is about to execve shows no mark for a moment: so until no child is left.
  ~World() {
    run_until([this] {
      end_strays(instance);
      siginfo_t info = {};
      return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0;
    });
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // Runs the loop until the condition holds; false after ten seconds.
  bool run_until(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      loop.restart();
      loop.run_one_for(std::chrono::milliseconds{20});
    }
    return true;
  }

  TargetConfig target(std::vector<std::string> command) const {
    TargetConfig config;
    config.name = "api";
    config.command = std::move(command);
    return config;
  }
  TargetConfig shell(const std::string& script) const { return target({"/bin/sh", "-c", script}); }

  std::uint64_t launch(const TargetConfig& config) {
    table.perform(Launch{config.name, ++generation, config});
    return generation;
  }

  template <class Event>
  const Event* last() const {
    const Event* found = nullptr;
    for (const auto& event : events) {
      if (const auto* match = std::get_if<Event>(&event)) found = match;
    }
    return found;
  }
  template <class Event>
  const Event* await() {
    run_until([this] { return last<Event>() != nullptr; });
    return last<Event>();
  }

  // Launches, waits for the exit and for the end of both pipes; what it wrote to stdout.
  std::string output_of(const TargetConfig& config) {
    launch(config);
    run_until([this] { return last<ProcessExited>() != nullptr && logs.pipes() == 0; });
    return read_all(all_of(LogStream::out));
  }

  // All records of a query that does not follow.
  std::vector<LogRecord> read_records(const LogQuery& query, std::uint64_t max_bytes = 30'000) {
    const std::uint64_t reader = ++last_reader;
    std::vector<LogRecord> records;
    bool at_end = false;
    logs.perform(OpenLog{reader, query});
    while (!at_end) {
      log_events.clear();
      logs.perform(ReadLog{reader, max_bytes});
      if (!run_until([this] { return !log_events.empty(); })) break;
      auto* chunk = std::get_if<LogChunk>(&log_events.front());
      if (chunk == nullptr) break;
      at_end = chunk->at_end;
      for (auto& record : chunk->records) records.push_back(std::move(record));
    }
    logs.perform(CloseLog{reader});
    return records;
  }
  std::string read_all(const LogQuery& query) {
    std::string text;
    for (const auto& record : read_records(query)) text += record.data;
    return text;
  }

  Scratch scratch;
  std::string instance = fresh_instance();
  boost::asio::io_context loop;
  std::vector<ProcessEvent> events;
  std::vector<LogEvent> log_events;
  std::vector<std::string> troubles;
  std::vector<std::string> drained;
  std::uint64_t generation = 0;
  std::uint64_t last_reader = 0;
  std::vector<CheckEvent> check_events;
  Environment extra_environment;
  std::unique_ptr<Cgroups> groups;  // made by the tests of them alone
  LogStore logs;
  HelperProcesses helpers;
  CheckRunner checks;
  ProcessTable table;
};

}  // namespace banyan::leaf
