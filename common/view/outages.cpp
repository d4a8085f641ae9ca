#include "common/view/outages.h"

#include <fmt/format.h>

#include "common/base/digest.h"
#include "common/base/name.h"
#include "common/base/units.h"
#include "common/view/fact_json.h"
#include "common/view/wall_text.h"

namespace banyan::view {
namespace {

using tree::Mirror;

constexpr std::uint64_t restarts_of_a_crash_loop = 3;

std::int64_t count(const Mirror::Node& node, v1::TargetState state) {
  return node.below().targets[static_cast<std::size_t>(state)];
}

bool has_trouble(const Mirror::Node& node) {
  return node.below().nodes[static_cast<std::size_t>(tree::NodeState::lost)] > 0 ||
         count(node, v1::TARGET_STATE_FAILED) > 0 || count(node, v1::TARGET_STATE_BACKING_OFF) > 0;
}

std::string id_of(const Outage& outage) {
  const Digest digest =
      fact_hash(outage.kind, 0, outage.root_cause, std::to_string(outage.opened_ms));
  return fmt::format("{:016x}", digest.low);
}

std::string exit_text(const v1::LastExit& last) {
  if (last.signal() != 0) return "ended by signal " + signal_name(last.signal());
  return fmt::format("exited with code {}", last.code());
}

class Finder {
 public:
  std::vector<Outage> run(const Mirror::Node& top) {
    walk(top);
    return std::move(found_);
  }

 private:
  void walk(const Mirror::Node& node) {
    node.each_target([&](std::string_view name, tree::FactBrief brief) {
      const auto state = brief.target_state();
      const bool bad = state == v1::TARGET_STATE_FAILED || state == v1::TARGET_STATE_BACKING_OFF;
      if (bad) add_target(join_path(node.path(), name), *node.target(name));
    });
    for (const auto& child : node.children()) {
      switch (tree::state_of(*child)) {
        case tree::NodeState::up:
        case tree::NodeState::suspect:
          if (has_trouble(*child)) walk(*child);
          break;
        case tree::NodeState::lost:
          add_lost(*child);
          break;
        case tree::NodeState::left:
        case tree::NodeState::unreachable:
          break;  // its picture is of the past
      }
    }
  }

  void add_lost(const Mirror::Node& node) {
    const auto link = node.link();
    Outage outage{{}, node.path(), "node_lost", link->since_ms(), 0, 0, {}};
    outage.nodes = node.below().nodes_total();
    outage.targets = node.below().targets_total();
    outage.evidence.assign(link->evidence().begin(), link->evidence().end());
    add(std::move(outage));
  }

  void add_target(const std::string& path, const v1::TargetFact& fact) {
    const bool failed = fact.state() == v1::TARGET_STATE_FAILED;
    const bool crashing =
        fact.state() == v1::TARGET_STATE_BACKING_OFF && fact.restarts() >= restarts_of_a_crash_loop;
    if (!failed && !crashing) return;
    Outage outage{{}, path, failed ? "target_failed" : "target_crashing", fact.since_ms(), 0,
                  0,  {}};
    if (!fact.error().empty()) outage.evidence.push_back(fact.error());
    if (fact.has_last_exit()) outage.evidence.push_back(exit_text(fact.last_exit()));
    if (crashing) outage.evidence.push_back(fmt::format("{} restarts", fact.restarts()));
    add(std::move(outage));
  }

  void add(Outage outage) {
    if (found_.size() >= max_outages) return;
    outage.id = id_of(outage);
    found_.push_back(std::move(outage));
  }

  std::vector<Outage> found_;
};

}  // namespace

std::vector<Outage> find_outages(const Mirror& mirror) { return Finder().run(mirror.top()); }

boost::json::object outage_json(const Outage& outage, std::int64_t closed_ms) {
  boost::json::object json;
  json["id"] = outage.id;
  json["path"] = shown_path(outage.root_cause);
  json["root_cause"] = shown_path(outage.root_cause);
  json["kind"] = outage.kind;
  json["opened"] = rfc3339_told(outage.opened_ms);
  json["closed"] = nullptr;
  if (closed_ms != 0) json["closed"] = rfc3339_told(closed_ms);
  json["affected"] = boost::json::object{{"nodes", outage.nodes}, {"targets", outage.targets}};
  json["acked_by"] = nullptr;
  boost::json::array evidence;
  for (const auto& line : outage.evidence) evidence.emplace_back(line);
  json["evidence"] = std::move(evidence);
  return json;
}

}  // namespace banyan::view
