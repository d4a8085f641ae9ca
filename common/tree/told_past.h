#pragma once
// What was on its way when a session broke, so that the next one tells only what was lost.
//
// For each update not yet acknowledged: its keys, each with the hash that was told before it, and
// the digest after it. A parent that holds one of these digests got everything up to there and
// nothing since. Keys that waited when the session broke, or changed since, are remembered with
// the hash told last.
// Bounds: max_updates on their way (beyond, the oldest is taken for arrived); one key per fact.

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "common/tree/mirror.h"

namespace banyan::tree {

class ToldPast {
 public:
  static constexpr std::size_t max_updates = 64;
  using Keys = std::vector<std::pair<FactKey, Digest>>;  // with the hash told before

  // A session begins; what is held is this.
  void begin(const Digest& told);
  void sent(Keys keys, const Digest& after);
  void acknowledged(std::uint64_t number);  // updates are numbered from 1 in each session
  // The session is over, or another Hello follows: these keys wait, oldest first.
  void leave(const Keys& waiting);

  // For a parent that holds this: what it was not told, oldest first; nothing when this cannot be
  // known.
  std::optional<Keys> since(const Digest& held) const;

 private:
  struct Sent {
    Keys keys;
    Digest after;
  };
  bool known_ = false;  // there was a session to remember
  Digest arrived_;      // after everything acknowledged
  std::uint64_t arrived_number_ = 0;
  std::deque<Sent> on_their_way_;
  Keys waiting_;
};

}  // namespace banyan::tree
