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

v1::Update Told::take(const Mirror& mirror, std::size_t max_bytes) {
  CHECK(!empty());
  v1::Update update;
  update.set_transfer_begin(transfer_begins_);
  transfer_begins_ = false;
  std::size_t bytes = 0;
  int facts = 0;
  v1::NodeFacts* node = nullptr;
  while (!queue_.empty() && bytes < max_bytes && facts < 2000) {
    const auto first = queue_.begin();
    const FactKey key = first->second;
    const auto entry = dirty_.find(key);
    const FactValue* value = mirror.find_fact(key);
    const std::string instance = value != nullptr ? value->instance : std::string();
    if (node == nullptr || node->path() != key.path || node->instance() != instance) {
      node = update.add_nodes();
      node->set_path(key.path);
      node->set_instance(instance);
      bytes += key.path.size() + instance.size() + 8;
    }
    v1::Fact* fact = node->add_facts();
    fact->set_kind(key.kind);
    fact->set_id(key.id);
    if (value != nullptr) fact->set_value(value->bytes);
    fact->set_removed(value == nullptr);
    bytes += key.id.size() + fact->value().size() + 12;
    ++facts;
    digest_ -= entry->second.told;
    if (value != nullptr) digest_ += value->hash;
    dirty_.erase(entry);
    queue_.erase(first);
  }
  if (transfer_end_ != 0 && (queue_.empty() || queue_.begin()->first > transfer_end_)) {
    update.set_transfer_end(true);
    transfer_end_ = 0;
  }
  update.mutable_digest()->set_high(digest_.high);
  update.mutable_digest()->set_low(digest_.low);
  return update;
}

}  // namespace banyan::tree
