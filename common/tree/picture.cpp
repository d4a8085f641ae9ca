#include "common/tree/picture.h"

#include <set>

namespace banyan::tree {
namespace {

constexpr std::size_t max_part_bytes = 64 * 1024;

class Parts {
 public:
  v1::Update& part() {
    if (parts_.empty() || bytes_ >= max_part_bytes) {
      parts_.emplace_back();
      bytes_ = 0;
      node_ = nullptr;
    }
    return parts_.back();
  }
  void prune(const std::string& path) {
    part().add_prunes(path);
    bytes_ += path.size() + 4;
  }
  void fact(const FactKey& key, const std::optional<FactValue>& value) {
    v1::Update& update = part();
    const std::string instance = value ? value->instance : std::string();
    if (node_ == nullptr || node_->path() != key.path || node_->instance() != instance) {
      node_ = update.add_nodes();
      node_->set_path(key.path);
      node_->set_instance(instance);
      bytes_ += key.path.size() + instance.size() + 8;
    }
    v1::Fact& fact = *node_->add_facts();
    fact.set_kind(key.kind);
    fact.set_id(key.id);
    fact.set_removed(!value);
    if (value) fact.set_value(value->bytes);
    bytes_ += key.id.size() + fact.value().size() + 12;
  }
  std::vector<v1::Update> take() { return std::move(parts_); }

 private:
  std::vector<v1::Update> parts_;
  v1::NodeFacts* node_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace

std::vector<v1::Update> picture_of(const Changes& changes, const Mirror& mirror) {
  Parts parts;
  for (const FactChange& change : changes) {
    if (is_prune(change.key)) parts.prune(change.key.path);
  }
  std::set<FactKey> seen;
  for (const FactChange& change : changes) {
    if (change.pruned || is_prune(change.key) || !seen.insert(change.key).second) continue;
    parts.fact(change.key, mirror.find_fact(change.key));
  }
  return parts.take();
}

std::size_t restore_picture(const v1::Update& update, Mirror& mirror) {
  Changes ignored;
  std::size_t refused = 0;
  for (const std::string& path : update.prunes()) mirror.remove_subtree(path, ignored);
  for (const v1::NodeFacts& node : update.nodes()) {
    for (const v1::Fact& fact : node.facts()) {
      const FactKey key{node.path(), fact.kind(), fact.id()};
      if (fact.removed()) {
        mirror.remove(key, ignored);
      } else if (!mirror.set(key, node.instance(), fact.value(), ignored)) {
        ++refused;
      }
    }
    ignored.clear();
  }
  return refused;
}

}  // namespace banyan::tree
