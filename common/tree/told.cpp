#include "common/tree/told.h"

#include "common/base/check.h"

namespace banyan::tree {

void Told::reset(const Mirror& mirror) {
  queue_.clear();
  dirty_.clear();
  transfer_end_ = 0;
  transfer_begins_ = false;
  digest_ = mirror.digest("");
}

void Told::begin_transfer(const Mirror& mirror) {
  reset(mirror);
  digest_ = Digest{};
  for (const FactKey& key : mirror.keys_below("")) mark(key, Digest{});
  transfer_end_ = ++last_serial_;
  transfer_begins_ = true;
}

void Told::note(const Changes& changes) {
  for (const FactChange& change : changes) {
    const auto it = dirty_.find(change.key);
    if (it == dirty_.end()) {
      if (change.before != change.now) mark(change.key, change.before);
    } else if (it->second.told == change.now && transfer_end_ == 0) {  // else its end must be told
      queue_.erase(it->second.serial);
      dirty_.erase(it);
    }
  }
}

void Told::mark(const FactKey& key, const Digest& told) {
  const std::uint64_t serial = ++last_serial_;
  queue_.emplace(serial, key);
  dirty_.emplace(key, Entry{serial, told});
}

// Facts of one update, those of one node together while they follow each other.
class Told::Packer {
 public:
  Packer(Told& told, const Mirror& mirror) : told_(told), mirror_(mirror) {}

  void add(std::map<FactKey, Entry>::iterator entry) {
    const FactKey& key = entry->first;
    const FactValue* value = mirror_.find_fact(key);
    v1::Fact& fact = *group(key, value).add_facts();
    fact.set_kind(key.kind);
    fact.set_id(key.id);
    if (value != nullptr) fact.set_value(value->bytes);
    fact.set_removed(value == nullptr);
    bytes_ += key.id.size() + fact.value().size() + 12;
    ++facts_;
    told_.digest_ -= entry->second.told;
    if (value != nullptr) told_.digest_ += value->hash;
    told_.queue_.erase(entry->second.serial);
    told_.dirty_.erase(entry);
  }
  bool full(std::size_t max_bytes) const { return bytes_ >= max_bytes || facts_ >= 2000; }
  v1::Update take() {
    update_.mutable_digest()->set_high(told_.digest_.high);
    update_.mutable_digest()->set_low(told_.digest_.low);
    return std::move(update_);
  }

 private:
  v1::NodeFacts& group(const FactKey& key, const FactValue* value) {
    const std::string instance = value != nullptr ? value->instance : std::string();
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
  std::size_t bytes_ = 0;
  int facts_ = 0;
};

v1::Update Told::take(const Mirror& mirror, std::size_t max_bytes) {
  CHECK(!empty());
  Packer packer(*this, mirror);
  while (!queue_.empty() && !packer.full(max_bytes)) {
    packer.add(dirty_.find(queue_.begin()->second));
  }
  v1::Update update = packer.take();
  update.set_transfer_begin(std::exchange(transfer_begins_, false));
  if (transfer_end_ != 0 && (queue_.empty() || queue_.begin()->first > transfer_end_)) {
    update.set_transfer_end(true);
    transfer_end_ = 0;
  }
  return update;
}

// In the order of paths, what lies below one is not in one piece: "a-b" stands between "a" and
// "a/b".
std::optional<v1::Update> Told::take_below(std::string_view path, const Mirror& mirror,
                                           std::size_t max_bytes) {
  Packer packer(*this, mirror);
  bool any = false;
  const std::string own(path);
  const std::string below = own.empty() ? own : own + "/";
  for (const std::string& from : {own, below}) {
    auto it = dirty_.lower_bound(FactKey{from, v1::FACT_KIND_UNSPECIFIED, {}});
    while (it != dirty_.end() && !packer.full(max_bytes)) {
      const std::string& at = it->first.path;
      if (at != own && !at.starts_with(below)) break;
      packer.add(it++);
      any = true;
    }
  }
  if (!any) return std::nullopt;
  return packer.take();
}

}  // namespace banyan::tree
