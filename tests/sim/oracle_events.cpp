// Events: each that was said is in the root's store once, in the order of its stream, or its gap is
// there with its count; over the deaths of leaves, relays and the root.

#include <fmt/format.h>

#include "tests/sim/oracle_finally.h"
#include "tests/sim/places.h"

namespace banyan::sim {
namespace {

// Is this what its origin said? An event about the origin itself is stored under its own path.
bool same(const view::StoredEvent& stored, const SaidEvent& said) {
  const auto slash = stored.path.rfind('/');
  const std::string last = slash == std::string::npos ? stored.path : stored.path.substr(slash + 1);
  return stored.time_ms == said.time_ms && stored.kind == said.kind && stored.text == said.text &&
         (said.subject.empty() || said.subject == last);
}

std::string text_of(const view::EventRow& row) {
  return fmt::format("{} {} {} #{}", row.event.path, row.event.kind, row.event.text, row.number);
}

class Check {
 public:
  Check(const World& world, Findings& findings)
      : world_(world), findings_(findings), said_(world.network().tap().said()) {}

  void run() {
    for (const auto& row : world_.root().disk().store.rows()) take(row);
    for (const auto& [name, host] : world_.hosts()) check_all_there(*host);
  }

 private:
  void take(const view::EventRow& row) {
    if (row.event.seq <= seq_) findings_.add("R26", "a number was given twice: " + text_of(row));
    seq_ = row.event.seq;
    const StreamKey key{row.stream.instance, row.stream.random};
    std::uint64_t& upto = upto_[key];
    if (row.number <= upto) {
      findings_.add("R26", "stored twice or out of order: " + text_of(row));
    } else if (row.number > upto + 1) {
      findings_.add("R26", fmt::format("{} is missing before {}", upto + 1, text_of(row)));
    }
    upto = std::max(upto, row.upto);
    if (row.event.kind == "gap") {
      gaps_.insert(key);
    } else if (row.stream.instance != world_.root().instance()) {
      check_said(key, row);
    }
  }

  void check_said(const StreamKey& key, const view::EventRow& row) {
    const auto stream = said_.find(key);
    const auto* event = stream == said_.end() || !stream->second.contains(row.number)
                            ? nullptr
                            : &stream->second.at(row.number);
    if (event == nullptr) return findings_.add("R25", "stored, and never said: " + text_of(row));
    if (!same(row.event, *event)) findings_.add("R25", "stored otherwise: " + text_of(row));
  }

  // Of this run everything that happened; of earlier ones what came to the disk.
  void check_all_there(const NodeHost& host) {
    const auto* events = host.events();
    if (events == nullptr || is_orphaned(world_, host)) return;
    check_stream(host, host.boot_random(), events->present().last());
    if (events->present().dropped() == 0 && gaps_.contains({host.instance(), host.boot_random()})) {
      findings_.add("R26", host.name() + ": a gap, though nothing was dropped");
    }
    const SpoolDisk& spool = host.disk().spool;
    if (!spool.is_whole()) return;
    for (const auto& [boot, last] : spool.written()) check_stream(host, boot, last);
  }

  void check_stream(const NodeHost& host, std::uint64_t boot, std::uint64_t last) {
    const auto it = upto_.find({host.instance(), boot});
    const std::uint64_t there = it == upto_.end() ? 0 : it->second;
    if (there == last) return;
    findings_.add("R27", fmt::format("{}: {} of {} events are stored", host.name(), there, last));
  }

  const World& world_;
  Findings& findings_;
  const std::map<StreamKey, std::map<std::uint64_t, SaidEvent>>& said_;
  std::uint64_t seq_ = 0;
  std::map<StreamKey, std::uint64_t> upto_;
  std::set<StreamKey> gaps_;
};

}  // namespace

void check_events(const World& world, Findings& findings) {
  if (world.root().runs()) Check(world, findings).run();
}

}  // namespace banyan::sim
