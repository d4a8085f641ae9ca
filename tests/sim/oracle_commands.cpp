// Commands: one outcome per target that agrees with what really ran, nothing after its time; and
// what readers of logs have got.

#include <set>

#include <fmt/format.h>
#include <boost/json.hpp>

#include "common/base/name.h"
#include "tests/sim/oracle_finally.h"

namespace banyan::sim {
namespace {

// A hop may take a request for younger than it is by its own interval and the way of one frame.
constexpr Duration tolerance = milliseconds{700};

// Within this time the root knows of a new boot: the way back of a node to its parent.
constexpr Duration seen_within = seconds{6};

struct Ran {
  unsigned times = 0;
  Time last{};
};

// How often a signal reached this target, on the host that has this name; doubles are left out.
Ran ran(const World& world, const std::string& node, const std::string& target,
        const Issued& issued) {
  Ran ran;
  for (const auto& [name, host] : world.hosts()) {
    if (host->name() != node) continue;
    for (const Signalled& each : host->machine().signalled()) {
      if (each.target != target || each.signal != issued.signal || each.at < issued.at) continue;
      ++ran.times;
      ran.last = each.at;
    }
  }
  return ran;
}

// "r1/leaf-0/api" -> "leaf-0/api"
std::string name_in_tree(const std::string& path) {
  const auto [node, target] = split_last(path);
  return join_path(split_last(node).second, target);
}

class Check {
 public:
  Check(World& world, Findings& findings) : world_(world), findings_(findings) {}

  void check(const Issued& issued) {
    const auto number = world_.ask("GET", "/api/v1/commands/" + issued.id);
    if (number == 0 || world_.exchange(number).status != 200) return check_forgotten(issued);
    const auto body = boost::json::parse(world_.exchange(number).body);
    if (body.at("state").as_string() != "finished") findings_.add("", issued.id + ": unfinished");
    std::set<std::string> seen;
    listed_.clear();
    for (const auto& result : body.at("results").as_array()) {
      ++listed_[name_in_tree(std::string(result.at("path").as_string()))];
    }
    for (const auto& result : body.at("results").as_array()) {
      const std::string path(result.at("path").as_string());
      if (!seen.insert(path).second) findings_.add("", issued.id + ": two outcomes for " + path);
      const auto& outcome = result.at("outcome");
      check_one(issued, path, outcome.is_null() ? "" : std::string(outcome.as_string()));
    }
  }

 private:
  void check_one(const Issued& issued, const std::string& path, const std::string& outcome) {
    const std::string what = fmt::format("{} {} {}", issued.verb, path, outcome);
    if (outcome.empty()) return findings_.add("R32", what + ": no outcome");
    const auto [node_path, target] = split_last(path);
    const std::string node(split_last(node_path).second);
    if (outcome == "unknown" && lived_through(issued, node)) {
      findings_.add("R33", what + ": it lived all the time, and could have been asked");
    }
    if (issued.signal == 0 || has_double(node)) return;
    const Ran it = ran(world_, node, std::string(target), issued);
    if (it.times > 1) findings_.add("R33", fmt::format("{}: it ran {} times", what, it.times));
    if (it.times == 0 && outcome == "done") findings_.add("R34", what + ": it never ran");
    if (it.times > 0 && outcome != "done" && outcome != "unknown") {
      // Listed at two places it is reached by one of them.
      const bool twice = listed_.at(name_in_tree(path)) > 1;
      findings_.add(twice ? "R5-commands" : "R32", what + ": it ran");
    }
    const Duration late = it.last - (issued.at + issued.ttl);
    if (it.times > 0 && late > tolerance) {
      findings_.add("R31",
                    fmt::format("{}: it ran {} ms after its time", what, late / milliseconds{1}));
    }
  }

  // A root that died before the command was on its disk has sent nothing of it.
  void check_forgotten(const Issued& issued) {
    if (issued.root_life == world_.root().life()) {
      return findings_.add("", issued.id + ": the command is not known");
    }
    for (const auto& [name, host] : world_.hosts()) {
      for (const Signalled& each : host->machine().signalled()) {
        if (issued.signal == 0 || each.signal != issued.signal) continue;
        findings_.add("", issued.id + ": it ran at " + name + ", and is not in the store");
      }
    }
  }

  // Which of them a path meant cannot be said.
  bool has_double(const std::string& node) const {
    int count = 0;
    for (const auto& [name, host] : world_.hosts()) count += host->spec().name == node;
    return count > 1;
  }

  // The root may have seen an earlier boot of one that had just begun: its journal is gone.
  bool lived_through(const Issued& issued, const std::string& node) const {
    const auto life = issued.lives.find(node);
    if (has_double(node) || world_.host(node).booted() + seen_within > issued.at) return false;
    return life != issued.lives.end() && world_.host(node).life() == life->second &&
           world_.host(node).runs();
  }

  World& world_;
  Findings& findings_;
  std::map<std::string, int> listed_;  // by node and target, without what is above
};

}  // namespace

void check_commands(World& world, const Workload& workload, Findings& findings) {
  for (const Issued& issued : workload.commands()) Check(world, findings).check(issued);
}

void check_readers(const World& world, const Workload& workload, Findings& findings) {
  for (const LogReader& reader : workload.readers()) {
    const NodeHost& host = world.host(reader.host);
    const Exchange& got = world.exchange(reader.exchange);
    if (got.status != 200 || reader.root_life != world.root().life()) continue;
    std::string wanted;
    for (std::uint64_t line = 0; line < host.logs().lines(reader.target); ++line) {
      wanted += LogBook::line(reader.target, line);
    }
    const std::string what = reader.host + "/" + reader.target;
    if (!wanted.starts_with(got.body)) {
      findings.add("R36", what + ": the bytes read are not those written");
      continue;
    }
    // A reader stays with the path it asked for, wherever the node has gone.
    const bool there = host.runs() && world.path_of(reader.host) == reader.path;
    if (there && !got.over && got.body.size() != wanted.size()) {
      findings.add(
          "R36", fmt::format("{}: {} of {} bytes were read", what, got.body.size(), wanted.size()));
    }
  }
}

}  // namespace banyan::sim
