#include "common/tree/inventory.h"

#include "common/base/name.h"
#include "common/tree/codec.h"
#include "common/tree/places.h"

namespace banyan::tree {
namespace {

class Writer {
 public:
  explicit Writer(const Mirror& mirror) : mirror_(mirror) {}

  std::vector<v1::Inventory> write(const Mirror::Node& node) {
    add_links(node, "");
    for (const auto& child : node.children()) add_node(*child, child->name());
    if (parts_.empty()) parts_.emplace_back();
    parts_.back().set_last(true);
    return std::move(parts_);
  }

 private:
  // Breadth does not matter: a link comes before what is below it.
  void add_node(const Mirror::Node& node, const std::string& path) {
    if (is_outdone(mirror_, node)) return;
    node.each_place([&](int kind, std::string_view id) {
      const bool link = kind == v1::FACT_KIND_LINK;
      if (!link && all_bytes_ < max_inventory_bytes) add(path, node, {kind, std::string(id)});
      return true;
    });
    add_links(node, path);
    for (const auto& child : node.children()) add_node(*child, join_path(path, child->name()));
  }

  void add_links(const Mirror::Node& node, const std::string& path) {
    for (const auto& child : node.children()) {
      if (!child->has_link() || is_outdone(mirror_, *child)) continue;
      add(path, node, {v1::FACT_KIND_LINK, child->name()});
    }
  }

  void add(const std::string& path, const Mirror::Node& node, const Mirror::Node::Place& key) {
    const FactValue value = *node.find_fact(static_cast<v1::FactKind>(key.first), key.second);
    const std::size_t bytes = key.second.size() + value.bytes.size() + 12;
    if (parts_.empty() || bytes_ + bytes > max_update_bytes || facts_ == max_facts_per_update) {
      parts_.emplace_back();
      bytes_ = 0;
      facts_ = 0;
      node_ = nullptr;
    }
    if (node_ == nullptr || node_->path() != path || node_->instance() != value.instance) {
      node_ = parts_.back().add_nodes();
      node_->set_path(path);
      node_->set_instance(value.instance);
      bytes_ += path.size() + value.instance.size() + 8;
    }
    v1::Fact& fact = *node_->add_facts();
    fact.set_kind(static_cast<v1::FactKind>(key.first));
    fact.set_id(key.second);
    fact.set_value(value.bytes);
    bytes_ += bytes;
    all_bytes_ += bytes;
    ++facts_;
  }

  const Mirror& mirror_;
  std::vector<v1::Inventory> parts_;
  v1::NodeFacts* node_ = nullptr;
  std::size_t bytes_ = 0;
  std::size_t all_bytes_ = 0;
  int facts_ = 0;
};

}  // namespace

std::vector<v1::Inventory> inventory_of(const Mirror& mirror, std::string_view path) {
  const Mirror::Node* node = mirror.find(path);
  if (node != nullptr) return Writer(mirror).write(*node);
  std::vector<v1::Inventory> none(1);
  none.front().set_last(true);
  return none;
}

void prefix_paths(v1::Inventory& part, std::string_view path) {
  for (v1::NodeFacts& node : *part.mutable_nodes()) node.set_path(join_path(path, node.path()));
}

}  // namespace banyan::tree
