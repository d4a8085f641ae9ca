// Events: what was said at the first hop is at the root once, in order, or its gap is.

#include <deque>

#include <fmt/format.h>

#include "tests/sim/oracle_finally.h"
#include "tests/sim/places.h"

namespace banyan::sim {
namespace {

struct Place {
  StreamKey stream;
  std::uint64_t number = 0;
};
using Index = std::map<std::pair<std::string, SaidEvent>, std::deque<Place>>;

Index index_of(const FrameTap& tap) {
  Index index;
  for (const auto& [stream, events] : tap.said()) {
    for (const auto& [number, event] : events) {
      index[{stream.instance, event}].push_back({stream, number});
    }
  }
  return index;
}

SaidEvent as_said(const view::StoredEvent& stored) {
  const auto slash = stored.path.rfind('/');
  return {stored.time_ms, stored.kind,
          slash == std::string::npos ? stored.path : stored.path.substr(slash + 1), stored.text};
}

// An event about its origin itself is stored under the origin's path.
const std::deque<Place>* find(Index& index, const view::StoredEvent& stored, SaidEvent& event) {
  event = as_said(stored);
  auto found = index.find({stored.node_id, event});
  if (found == index.end()) {
    event.subject.clear();
    found = index.find({stored.node_id, event});
  }
  return found == index.end() ? nullptr : &found->second;
}

class Check {
 public:
  Check(const World& world, Findings& findings)
      : world_(world), findings_(findings), index_(index_of(world.network().tap())) {}

  void run() {
    for (const view::StoredEvent& stored : world_.root().root()->api().events().events()) {
      if (stored.kind == "gap") {
        gaps_.insert(stored.node_id);
      } else if (stored.node_id != world_.root().instance()) {
        take(stored);
      }
    }
    for (const auto& [name, host] : world_.hosts()) check_all_there(*host);
  }

 private:
  void take(const view::StoredEvent& stored) {
    SaidEvent event;
    const auto* places = find(index_, stored, event);
    const std::string text = stored.path + " " + stored.kind + " " + stored.text;
    if (places == nullptr) return findings_.add("", "stored, and never said: " + text);
    auto& left = index_.at({stored.node_id, event});
    if (left.empty()) return findings_.add("R26", "stored twice: " + text);
    const Place place = left.front();
    left.pop_front();
    std::uint64_t& last = last_[place.stream];
    if (place.number <= last) findings_.add("R25", "stored out of order: " + text);
    last = std::max(last, place.number);
    ++stored_[place.stream];
  }

  // Of the runs that still live everything that was said; this root's memory is all there is.
  void check_all_there(const NodeHost& host) {
    if (!host.runs() || is_orphaned(world_, host) || world_.root().life() > 1) return;
    const auto& said = world_.network().tap().said();
    for (auto it = said.lower_bound({host.instance(), 0});
         it != said.end() && it->first.instance == host.instance(); ++it) {
      if (it->first.boot != host.boot_random()) continue;
      const std::uint64_t there = stored_[it->first];
      if (there == it->second.size() && !gaps_.contains(host.instance())) continue;
      findings_.add("R27", fmt::format("{}: {} of {} events are stored", host.name(), there,
                                       it->second.size()));
    }
  }

  const World& world_;
  Findings& findings_;
  Index index_;
  std::map<StreamKey, std::uint64_t> last_;
  std::map<StreamKey, std::uint64_t> stored_;
  std::set<std::string> gaps_;  // instances
};

}  // namespace

void check_events(const World& world, Findings& findings) {
  if (world.root().runs()) Check(world, findings).run();
}

}  // namespace banyan::sim
