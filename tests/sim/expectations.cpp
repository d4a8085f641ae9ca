// What a scenario expects in numbers.
//
//   frames KIND     that were sent, by the names of the link protocol
//   lost-frames     by `lose`
//   events KIND     stored at the root
//   gone            events that the stored gaps count
//   outcomes KIND   of all commands
//   executed        signals of commands that reached a process
//   listed HOST     places at which the root lists it;  up HOST  at which it is up
//   nodes STATE     of the root's tree that are up, suspect, lost, left, unreachable
//   repairs         within sessions, by all who live
//   read-ms HOST    when the last bytes came to those who read its logs

#include <fmt/format.h>
#include <boost/json.hpp>

#include "tests/sim/places.h"
#include "tests/sim/play.h"

namespace banyan::sim {
namespace {

constexpr int first_own_signal = 34;

std::int64_t events(const World& world, const std::string& kind) {
  std::int64_t count = 0;
  for (const auto& row : world.root().disk().store.rows()) count += row.event.kind == kind;
  return count;
}

// How many events the stored gaps speak of.
std::int64_t gone(const World& world) {
  std::int64_t count = 0;
  for (const auto& row : world.root().disk().store.rows()) {
    if (row.event.kind != "gap") continue;
    count += boost::json::parse(row.event.data).at("count").to_number<std::int64_t>();
  }
  return count;
}

std::int64_t outcomes(Play& play, const std::string& kind) {
  std::int64_t count = 0;
  for (const Issued& issued : play.workload().commands()) {
    const auto number = play.world().ask("GET", "/api/v1/commands/" + issued.id);
    const auto body = boost::json::parse(play.world().exchange(number).body);
    const auto* counts = body.at("counts").as_object().if_contains(kind);
    if (counts != nullptr) count += counts->to_number<std::int64_t>();
  }
  return count;
}

std::int64_t executed(const World& world) {
  std::int64_t count = 0;
  for (const auto& [name, host] : world.hosts()) {
    for (const Signalled& each : host->machine().signalled()) {
      count += each.signal >= first_own_signal;
    }
  }
  return count;
}

std::int64_t places(const World& world, const std::string& host, bool up_only) {
  std::int64_t count = 0;
  for (const auto* place : places_of(world.root(), world.host(host))) {
    count += !up_only || tree::state_of(*place) == tree::NodeState::up;
  }
  return count;
}

std::int64_t repairs(const World& world) {
  std::int64_t count = 0;
  for (const auto& [name, host] : world.hosts()) {
    if (const auto* downlink = host->downlink()) {
      const auto& counters = downlink->counters();
      count += static_cast<std::int64_t>(counters.repairs + counters.transfers_asked);
    }
  }
  return count;
}

std::int64_t nodes(const World& world, const std::string& state) {
  const tree::Counts below = world.root().mirror()->top().below();
  for (std::size_t i = 0; i < tree::node_states; ++i) {
    if (state == tree::name_of(static_cast<tree::NodeState>(i))) return below.nodes[i];
  }
  return INT64_MIN;
}

std::int64_t last_read(Play& play, const std::string& host) {
  std::int64_t last = 0;
  for (const LogReader& reader : play.workload().readers()) {
    if (reader.host != host) continue;
    const Time at = play.world().exchange(reader.exchange).last;
    last = std::max<std::int64_t>(last, (at - World::beginning()) / milliseconds{1});
  }
  return last;
}

bool holds(std::int64_t number, const Expectation& expectation) {
  if (expectation.comparison == "<=") return number <= expectation.number;
  if (expectation.comparison == ">=") return number >= expectation.number;
  return expectation.comparison == "==" && number == expectation.number;
}

std::int64_t measure(Play& play, const Words& subject) {
  World& world = play.world();
  const std::string& what = subject[0];
  const std::string which = subject.size() > 1 ? subject[1] : "";
  if (what == "frames") return static_cast<std::int64_t>(world.network().tap().frames(which));
  if (what == "lost-frames") return static_cast<std::int64_t>(world.network().lost());
  if (what == "events") return events(world, which);
  if (what == "gone") return gone(world);
  if (what == "outcomes") return outcomes(play, which);
  if (what == "executed") return executed(world);
  if (what == "listed") return places(world, which, false);
  if (what == "up") return places(world, which, true);
  if (what == "nodes") return nodes(world, which);
  if (what == "repairs") return repairs(world);
  if (what == "read-ms") return last_read(play, which);
  return INT64_MIN;  // no expectation holds for it
}

}  // namespace

void check_expectations(const Scenario& scenario, Play& play, Findings& findings) {
  for (const Expectation& expectation : scenario.expectations) {
    const std::int64_t number = measure(play, expectation.subject);
    if (holds(number, expectation)) continue;
    std::string subject;
    for (const std::string& word : expectation.subject) subject += word + " ";
    findings.add(scenario.rule, fmt::format("{}is {}, expected {} {}", subject, number,
                                            expectation.comparison, expectation.number));
  }
}

}  // namespace banyan::sim
