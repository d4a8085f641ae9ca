#pragma once
// What people ask of the root while things break: commands and readers of logs, remembered for the
// question what became of them. Every signal command has a signal number of its own (34 to 64), so
// that what ran is known; there are no more of them than that.

#include <map>
#include <string>
#include <vector>

#include "tests/sim/world.h"

namespace banyan::sim {

struct Issued {
  std::string id;
  std::string verb;
  int signal = 0;
  Time at{};
  Duration ttl{0};
  std::uint64_t root_life = 0;
  std::map<std::string, std::uint64_t> lives;  // of all hosts, when it was issued
};

struct LogReader {
  tree::ExchangeId exchange = 0;
  std::string host;
  std::string target;
  std::string path;  // of the host, when it was asked for
  std::uint64_t root_life = 0;
};

class Workload {
 public:
  explicit Workload(World& world) : world_(world) {}

  // `more`: further members of the request, as JSON that begins with a comma.
  void command(const std::string& verb, const std::string& select, Duration ttl,
               const std::string& more = "");
  void read(const std::string& host, const std::string& target);
  void hang_up_readers();

  const std::vector<Issued>& commands() const { return commands_; }
  const std::vector<LogReader>& readers() const { return readers_; }

 private:
  World& world_;
  std::vector<Issued> commands_;
  std::vector<LogReader> readers_;
  int signals_ = 0;
};

}  // namespace banyan::sim
