#include "common/tree/told.h"

#include "common/base/check.h"
#include "common/base/name.h"
#include "common/tree/node_digests.h"

namespace banyan::tree {

void Told::clear(const Digest& told) {
  queue_.clear();
  dirty_.clear();
  transfer_end_ = 0;
  transfer_begins_ = false;
  digest_ = told;
}

void Told::reset(const Mirror& mirror) {
  past_.leave(waiting());
  clear(mirror.digest(""));
}

ToldPast::Keys Told::waiting() const {
  ToldPast::Keys keys;
  for (const auto& [serial, key] : queue_) keys.emplace_back(key, dirty_.at(key).told);
  return keys;
}

void Told::begin_session(const Digest& held, const Mirror& mirror) {
  past_.leave(waiting());
  const auto since = past_.since(held);
  past_.begin(digest_);
  if (!since) return;
  // What would be present at the parent once everything that waits is told.
  Digest then = held;
  std::vector<std::tuple<FactKey, Digest, Digest>> waiting;
  for (const auto& [key, told] : *since) {
    const auto value = is_prune(key) ? std::nullopt : mirror.find_fact(key);
    const Digest now = value ? value->hash : Digest{};
    then -= told;
    then += now;
    if (now != told) waiting.emplace_back(key, told, now);
  }
  if (then != mirror.digest("")) return;  // not the whole truth: questions will find it
  clear(held);
  for (const auto& [key, told, now] : waiting) mark(key, told, now);
  past_.begin(held);
}

void Told::begin_transfer(const Mirror& mirror) {
  clear(Digest{});
  for (const FactKey& key : mirror.keys_below("")) {
    mark(key, Digest{}, mirror.find_fact(key)->hash);
  }
  transfer_end_ = ++last_serial_;
  transfer_begins_ = true;
}

void Told::note(const Changes& changes) {
  for (const FactChange& change : changes) {
    if (change.pruned) continue;
    if (is_prune(change.key)) {
      note_prune(change);
      continue;
    }
    const auto it = dirty_.find(change.key);
    if (it == dirty_.end()) {
      if (change.before != change.now) mark(change.key, change.before, change.now);
    } else if (it->second.told == change.now && transfer_end_ == 0) {
      drop(it);
    } else {
      it->second.now = change.now;
    }
  }
}

// Everything that waits below goes; what had been told of it is one number.
void Told::note_prune(const FactChange& change) {
  Digest told = change.before;
  visit_below(change.key.path, [&](Entries::iterator entry) {
    told -= entry->second.now;
    told += entry->second.told;
    return drop(entry);
  });
  if (told != Digest{}) mark(change.key, told, Digest{});
}

void Told::mark(const FactKey& key, const Digest& told, const Digest& now) {
  const std::uint64_t serial = ++last_serial_;
  queue_.emplace(serial, key);
  dirty_.emplace(key, Entry{serial, told, now});
}

Told::Entries::iterator Told::drop(Entries::iterator entry) {
  queue_.erase(entry->second.serial);
  return dirty_.erase(entry);
}

// In the order of paths, what lies at and below one is in two pieces: "a-b" stands between "a" and
// "a/b". `visit` returns the entry behind, or the end to stop.
template <class Visit>
void Told::visit_below(const std::string& path, Visit visit) {
  const std::string below = path.empty() ? path : path + "/";
  for (const std::string& from : {path, below}) {
    auto it = dirty_.lower_bound(FactKey{from, v1::FACT_KIND_UNSPECIFIED, {}});
    while (it != dirty_.end() && (it->first.path == path || it->first.path.starts_with(below))) {
      it = visit(it);
    }
  }
}

// Facts of one update, those of one node together while they follow each other.
class Told::Packer {
 public:
  Packer(Told& told, const Mirror& mirror) : told_(told), mirror_(mirror) {}

  Entries::iterator add(Entries::iterator entry) {
    const FactKey& key = entry->first;
    keys_.emplace_back(key, entry->second.told);
    told_.digest_ -= entry->second.told;
    ++facts_;
    if (is_prune(key)) {
      update_.add_prunes(key.path);
      bytes_ += key.path.size() + 4;
    } else {
      add_fact(key);
    }
    return told_.drop(entry);
  }
  bool full(std::size_t max_bytes) const { return bytes_ >= max_bytes || facts_ >= 2000; }
  bool empty() const { return facts_ == 0; }
  v1::Update take() {
    set_digest(*update_.mutable_digest(), told_.digest_);
    told_.past_.sent(std::move(keys_), told_.digest_);
    told_.frame_transfer(update_);
    return std::move(update_);
  }

 private:
  void add_fact(const FactKey& key) {
    const auto value = mirror_.find_fact(key);
    v1::Fact& fact = *group(key, value ? value->instance : std::string()).add_facts();
    fact.set_kind(key.kind);
    fact.set_id(key.id);
    if (value) fact.set_value(value->bytes);
    fact.set_removed(!value);
    bytes_ += key.id.size() + fact.value().size() + 12;
    if (value) told_.digest_ += value->hash;
  }
  v1::NodeFacts& group(const FactKey& key, const std::string& instance) {
    if (node_ == nullptr || node_->path() != key.path || node_->instance() != instance) {
      node_ = update_.add_nodes();
      node_->set_path(key.path);
      node_->set_instance(instance);
      bytes_ += key.path.size() + instance.size() + 8;
    }
    return *node_;
  }

  Told& told_;
  const Mirror& mirror_;
  v1::Update update_;
  v1::NodeFacts* node_ = nullptr;
  ToldPast::Keys keys_;
  std::size_t bytes_ = 0;
  int facts_ = 0;
};

v1::Update Told::take(const Mirror& mirror, std::size_t max_bytes) {
  CHECK(!empty());
  Packer packer(*this, mirror);
  while (!queue_.empty() && !packer.full(max_bytes)) {
    packer.add(dirty_.find(queue_.begin()->second));
  }
  return packer.take();
}

// Says where the transfer begins and ends, in whichever update that is.
void Told::frame_transfer(v1::Update& update) {
  update.set_transfer_begin(std::exchange(transfer_begins_, false));
  if (transfer_end_ == 0 || (!queue_.empty() && queue_.begin()->first < transfer_end_)) return;
  update.set_transfer_end(true);
  transfer_end_ = 0;
}

// A prune that waits further up goes first: told later, it would take with it what is told now.
std::optional<v1::Update> Told::take_below(std::string_view path, const Mirror& mirror,
                                           std::size_t max_bytes) {
  Packer packer(*this, mirror);
  for (std::string_view at = path; !at.empty(); at = split_last(at).first) {
    const auto it = dirty_.find(FactKey{std::string(at), v1::FACT_KIND_UNSPECIFIED, {}});
    if (it != dirty_.end()) packer.add(it);
  }
  visit_below(std::string(path), [&](Entries::iterator entry) {
    return packer.full(max_bytes) ? dirty_.end() : packer.add(entry);
  });
  if (packer.empty()) return std::nullopt;
  return packer.take();
}

}  // namespace banyan::tree
