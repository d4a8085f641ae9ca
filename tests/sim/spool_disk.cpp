#include "tests/sim/spool_disk.h"

#include <algorithm>

namespace banyan::sim {
namespace {

void drop_acked(v1::HeldEvents& held) {
  const auto count = static_cast<std::uint64_t>(held.events_size());
  const auto wanted = held.last() - std::min(held.acked(), held.last());
  held.mutable_events()->DeleteSubrange(0, static_cast<int>(count - std::min(count, wanted)));
}

}  // namespace

void SpoolDisk::begin(const tree::EventOutbox& outbox, bool full) {
  const auto held = outbox.held();
  present_ = key_of(held.boot());
  stale_ = full;
  if (!full) streams_[present_] = held;
}

void SpoolDisk::keep(const tree::SpoolEffects& effects, const tree::EventOutbox& outbox,
                     bool full) {
  if (effects.empty()) return;
  for (const auto& boot : effects.drained) streams_.erase(key_of(boot));
  if (full) {
    stale_ = true;
    whole_ = false;
    return;
  }
  auto& present = streams_[present_];
  if (stale_) {
    present = outbox.held();
    stale_ = false;
  } else {
    for (const auto& event : effects.added) *present.add_events() = event;
    present.set_last(present.last() + effects.added.size());
  }
  for (const auto& ack : effects.acked) {
    if (key_of(ack.boot()) == present_) present.set_acked(std::max(present.acked(), ack.upto()));
  }
  drop_acked(present);
  written_[present_.second] = present.last();
}

void SpoolDisk::power_cut(Random& random) {
  const auto it = streams_.find(present_);
  if (it == streams_.end() || it->second.events_size() == 0) return;
  v1::HeldEvents& held = it->second;
  const auto lost = random.below(static_cast<std::uint64_t>(held.events_size()) + 1);
  const int kept = held.events_size() - static_cast<int>(lost);
  held.mutable_events()->DeleteSubrange(kept, static_cast<int>(lost));
  held.set_last(held.last() - lost);
  whole_ = whole_ && lost == 0;
}

std::vector<v1::HeldEvents> SpoolDisk::spooled() const {
  std::vector<v1::HeldEvents> found;
  for (const auto& [key, held] : streams_) {
    if (held.acked() < held.last()) found.push_back(held);
  }
  return found;
}

}  // namespace banyan::sim
