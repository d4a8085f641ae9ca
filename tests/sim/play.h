#pragma once
// A scenario played in a world: faults, workload, healing, quiet, judgement.
//
//   cut CHILD PARENT up|down|both for 5s     held as TCP would hold it, and delivered late
//   sever HOST [none|child|parent|both]      who is told
//   lose HOST up|down                        one frame of its living connection to its parent
//   block HOST PARENT for 5s                 no new connection
//   delay 200ms 400ms
//   crash HOST [for 2s]                      the program; its targets go on
//   host-crash HOST [for 2s]                 with everything that ran there
//   die HOST                                 for good, with its host
//   stop HOST [for 2s]                       with a goodbye; without a time for good
//   freeze HOST for 5s
//   slow HOST 2ms for 5s                     so long for everything that it is handed
//   jump HOST -100s                          its wall clock
//   move HOST PARENT [silent]                with a goodbye, or by a broken link
//   double HOST AS PARENT [clone]            an impostor of its name, or a copy of its disk
//   join HOST ROLE PARENT [as NAME]
//   fork-fails HOST for 3s      disk-full HOST for 3s
//   kill-target HOST            log HOST TARGET LINES
//   flood HOST EVENTS                        of its own, all at once
//   command VERB SELECT ttl 2s [rolling PARALLEL [FAILURES]]
//   read HOST TARGET
//   tamper WHAT

#include <set>
#include <string>

#include "tests/sim/findings.h"
#include "tests/sim/oracle_always.h"
#include "tests/sim/scenario.h"
#include "tests/sim/workload.h"

namespace banyan::sim {

class Play {
 public:
  Play(const Scenario& scenario, std::uint64_t seed);

  // To the end; what was found.
  Findings run();
  void tamper(const std::string& what);

  World& world() { return world_; }
  const Workload& workload() const { return workload_; }

 private:
  void schedule(const Action& action, Time time);
  void perform(const Words& words);
  void perform_link(const Words& words);
  void perform_host(const Words& words);
  void perform_workload(const Words& words);
  void heal();
  void watch();
  void later(Duration delay, std::function<void()> what);
  void down(const std::string& host, const Words& words, bool whole_host);
  void move(const std::string& host, const std::string& parent, bool silent);
  void add_double(const Words& words);
  void join(const Words& words);

  const Scenario& scenario_;
  World world_;
  Workload workload_;
  AlwaysOracle always_;
  std::set<std::string> dead_;     // for good
  std::set<std::string> doubles_;  // they go when all is healed
  Time end_{};                     // of the faults
  std::string wrong_;              // words that mean nothing
};

// What the scenario expects beside the oracles.
void check_expectations(const Scenario& scenario, Play& play, Findings& findings);

}  // namespace banyan::sim
