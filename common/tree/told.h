#pragma once
// What a child has told its parent in this session, and what is still to be told.
//
// The digest speaks of what was told up to the last update handed over, never of the present state;
// the order of the link makes it exact. A key that returns to the value told last leaves the set.
// Keys are served oldest first, so that no change waits behind later ones. A subtree that was
// pruned is one entry: its path, and the sum of what had been told of it.
// Bound: one entry per fact of the mirror (removed ones included until they are told).

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>

#include "common/tree/mirror.h"
#include "common/tree/told_past.h"

namespace banyan::tree {

class Told {
 public:
  // A told point: everything present counts as told (the Hello carries this digest).
  void reset(const Mirror& mirror);
  // The parent has welcomed us and holds this: if it is what we know to have arrived, what came
  // later waits again, instead of being found by questions.
  void begin_session(const Digest& held, const Mirror& mirror);
  // Nothing counts as told; everything present is to be told again, as one transfer.
  void begin_transfer(const Mirror& mirror);
  void note(const Changes& changes);
  void acknowledged(std::uint64_t number) { past_.acknowledged(number); }

  bool transferring() const { return transfer_begins_ || transfer_end_ != 0; }
  bool empty() const { return queue_.empty() && !transferring(); }
  std::size_t size() const { return queue_.size(); }
  const Digest& digest() const { return digest_; }

  // The next update: the oldest keys, about max_bytes of them, at least one. Not to be called when
  // empty. Each update that is taken must be sent, in order.
  v1::Update take(const Mirror& mirror, std::size_t max_bytes);
  // The same for what waits at and below a path; nothing when nothing waits there. What is told
  // then is what is present there, unless a transfer is running.
  std::optional<v1::Update> take_below(std::string_view path, const Mirror& mirror,
                                       std::size_t max_bytes);

 private:
  struct Entry {
    std::uint64_t serial = 0;
    Digest told;  // the hash that was told last; zero = not told
    Digest now;
  };
  using Entries = std::map<FactKey, Entry>;
  class Packer;

  void clear(const Digest& told);
  void mark(const FactKey& key, const Digest& told, const Digest& now);
  void frame_transfer(v1::Update& update);
  void note_prune(const FactChange& change);
  Entries::iterator drop(Entries::iterator entry);
  ToldPast::Keys waiting() const;
  template <class Visit>
  void visit_below(const std::string& path, Visit visit);

  Digest digest_;
  std::map<std::uint64_t, FactKey> queue_;
  Entries dirty_;
  std::uint64_t last_serial_ = 0;
  std::uint64_t transfer_end_ = 0;  // above its keys' serials; 0 = no transfer is running
  bool transfer_begins_ = false;
  ToldPast past_;
};

}  // namespace banyan::tree
