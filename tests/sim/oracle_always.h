#pragma once
// What must hold at every moment: nothing runs twice, the dead are not shown as up for longer than
// it takes to find out, tables and pictures stay within what was asked for and said.

#include <map>
#include <string>

#include "tests/sim/findings.h"
#include "tests/sim/world.h"

namespace banyan::sim {

class AlwaysOracle {
 public:
  explicit AlwaysOracle(World& world) : world_(world) {}

  // To be called every now and then.
  void check();
  // Each breach once; what the hosts' machines saw comes with it.
  Findings findings() const;

 private:
  void check_dead(const NodeHost& host);
  void check_tables(const NodeHost& host);
  void check_verdicts(const NodeHost& host);
  void check_memory(const NodeHost& host, std::size_t said);
  void found(const std::string& rule, const std::string& text) { found_[text] = rule; }

  World& world_;
  std::map<std::string, Time> dead_since_;
  std::map<std::string, std::string> found_;  // text -> rule
};

}  // namespace banyan::sim
