#pragma once
// The event spools of a simulated leaf or relay, one for each of its runs. What was written is
// there after a death of the program; a power cut may take the tail of it. While the disk is full
// nothing is written; the first write behind that writes everything that is held.

#include <cstdint>
#include <map>
#include <vector>

#include "common/base/random.h"
#include "common/tree/event_outbox.h"

namespace banyan::sim {

class SpoolDisk {
 public:
  // The stream of a new run; `outbox` is in its hands.
  void begin(const tree::EventOutbox& outbox, bool full);
  void keep(const tree::SpoolEffects& effects, const tree::EventOutbox& outbox, bool full);
  void power_cut(Random& random);

  // Of earlier runs, the oldest first.
  std::vector<v1::HeldEvents> spooled() const;

  // By the random part of its boot, the last number of each stream that was written here.
  const std::map<std::uint64_t, std::uint64_t>& written() const { return written_; }
  // Nothing was ever taken back or left out.
  bool is_whole() const { return whole_; }

 private:
  using Key = std::pair<std::int64_t, std::uint64_t>;  // of a boot
  static Key key_of(const v1::Boot& boot) { return {boot.start_ms(), boot.random()}; }

  std::map<Key, v1::HeldEvents> streams_;
  Key present_{};
  bool stale_ = false;
  bool whole_ = true;
  std::map<std::uint64_t, std::uint64_t> written_;
};

}  // namespace banyan::sim
