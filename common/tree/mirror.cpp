#include "common/tree/mirror.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "common/base/check.h"
#include "common/base/name.h"
#include "common/tree/fact_pack.h"

namespace banyan::tree {
namespace {

NodeState own_state(const Mirror::Node& node) {
  switch (node.link_state()) {
    case v1::LINK_STATE_UP:
      return NodeState::up;
    case v1::LINK_STATE_SUSPECT:
      return NodeState::suspect;
    case v1::LINK_STATE_LOST:
      return NodeState::lost;
    case v1::LINK_STATE_LEFT:
      return NodeState::left;
    default:
      return NodeState::unreachable;
  }
}

bool passes(NodeState state) { return state == NodeState::up || state == NodeState::suspect; }

Counts contribution_of(const Mirror::Node& node) {
  const NodeState state = own_state(node);
  Counts counts = passes(state) ? node.below() : node.below().behind_a_break();
  counts.nodes[static_cast<std::size_t>(state)] += 1;
  return counts;
}

template <class Message>
Result<FactBrief> brief_as(const FactKey& key, const std::string& bytes) {
  Message message;
  if (message.ParseFromString(bytes)) return FactBrief::of(message);
  return failure(
      "fact does not parse", key.path + "#" + key.id,
      "kind " + std::to_string(key.kind) + ", " + std::to_string(bytes.size()) + " bytes");
}

// Errors: not a value of its kind. Kinds of later versions are taken as they are.
Result<FactBrief> brief_of(const FactKey& key, const std::string& bytes) {
  switch (key.kind) {
    case v1::FACT_KIND_NODE:
      return brief_as<v1::NodeFact>(key, bytes);
    case v1::FACT_KIND_TARGET:
      return brief_as<v1::TargetFact>(key, bytes);
    case v1::FACT_KIND_LINK:
      return brief_as<v1::LinkFact>(key, bytes);
    default:
      return FactBrief();
  }
}

std::size_t told_size(const FactKey& key, std::string_view instance, std::string_view bytes) {
  constexpr std::size_t frame = 20;  // tags and lengths
  return key.path.size() + key.id.size() + instance.size() + bytes.size() + frame;
}

Status check_key(const FactKey& key) {
  if (!is_path(key.path)) return failure("not a path", key.path);
  const bool named = key.kind == v1::FACT_KIND_LINK || key.kind == v1::FACT_KIND_TARGET;
  if (named && !is_name(key.id)) return failure("not a name", key.id);
  if (key.kind == v1::FACT_KIND_UNSPECIFIED) return failure("fact without a kind", key.path);
  return {};
}

}  // namespace

Mirror::Mirror() : pack_(std::make_unique<FactPack>()), top_(std::make_unique<Node>(nullptr, "")) {
  top_->branch_ = std::make_unique<Node::Branch>();
  top_->branch_->pack = pack_.get();
}

Mirror::Mirror(Mirror&&) noexcept = default;
Mirror& Mirror::operator=(Mirror&&) noexcept = default;
Mirror::~Mirror() = default;

const Mirror::Node* Mirror::find(std::string_view path) const {
  const Node* node = top_.get();
  while (!path.empty() && node != nullptr) {
    const auto [first, rest] = split_first(path);
    node = node->child(first);
    path = rest;
  }
  return node;
}

Mirror::Node* Mirror::find_or_make(std::string_view path) {
  Node* node = top_.get();
  while (!path.empty()) {
    const auto [first, rest] = split_first(path);
    node = find_or_make(*node, first);
    path = rest;
  }
  return node;
}

Mirror::Node* Mirror::find_or_make(Node& parent, std::string_view name) {
  if (Node* held = parent.find_child(name)) return held;
  const Counts before = contribution_of(parent);
  auto& branch = parent.branch();
  auto made = std::make_unique<Node>(&parent, name);
  Node* child = branch.children.insert(parent.child_behind(name), std::move(made))->get();
  branch.below += contribution_of(*child);
  carry(parent, before);
  return child;
}

Status Mirror::set(const FactKey& key, std::string_view instance, std::string bytes,
                   Changes& changes) {
  if (auto status = check_key(key); !status) return status;
  if (bytes.size() > max_fact_bytes) {
    return failure(
        "fact too large", key.path + "#" + key.id,
        std::to_string(bytes.size()) + " bytes, at most " + std::to_string(max_fact_bytes));
  }
  const Digest hash = fact_hash(instance, key.kind, key.id, bytes);
  const auto held = find_fact(key);
  if (held && held->hash == hash) return {};
  const auto brief = brief_of(key, bytes);
  if (!brief) return tl::unexpected(brief.error());
  Node& node = *find_or_make(key.path);
  const Digest before = held ? held->hash : Digest{};
  if (!held) ++fact_count_;
  told_bytes_ += told_size(key, instance, bytes);
  if (held) told_bytes_ -= told_size(key, held->instance, held->bytes);
  const ToldFact fact{key.kind, key.id, instance, bytes, *brief};
  if (key.kind == v1::FACT_KIND_LINK) {
    store_link(node, fact);
  } else {
    store(node, fact);
  }
  add_hash(node, before, hash);
  ++revision_;
  changes.push_back({key, before, hash});
  return {};
}

void Mirror::store(Node& node, const ToldFact& fact) {
  // With more than these, counting them all at each change would be dear.
  constexpr std::size_t max_counted = 8;
  node.adopt_instance(fact.writer);
  const Counts before = contribution_of(node);
  if (node.facts_.size() >= max_counted) node.branch();
  FactCell cell = node.cell_of(fact);
  const FactCell* held = node.find_cell(fact.kind, fact.id);
  if (fact.kind == v1::FACT_KIND_TARGET && node.branch_) {
    if (held != nullptr) node.branch_->below -= count_of(held->parts().brief);
    node.branch_->below += count_of(fact.brief);
  }
  const auto at = node.facts_.begin() + (node.cell_at(fact.kind, fact.id) - node.facts_.cbegin());
  if (held != nullptr) {
    *at = std::move(cell);
  } else {
    node.facts_.insert(at, std::move(cell));
  }
  carry(node, before);
}

void Mirror::store_link(Node& node, const ToldFact& fact) {
  v1::LinkFact link;
  CHECK(link.ParseFromArray(fact.bytes.data(), static_cast<int>(fact.bytes.size())));
  Node& child = *find_or_make(node, fact.id);
  const auto linked = child.link();
  const Counts before = contribution_of(child);
  child.adopt_instance(link.instance());
  node.adopt_instance(fact.writer);
  if (!child.link_) ++node.branch().links;
  child.link_ = node.cell_of(fact);
  carry(child, before);
  index(child, linked ? linked->instance() : std::string(), link.instance());
}

void Mirror::erase_link(Node& node, const std::string& id) {
  Node& child = *node.find_child(id);
  const Counts before = contribution_of(child);
  index(child, child.link()->instance(), std::string());
  child.link_ = FactCell();
  --node.branch_->links;
  carry(child, before);
  drop_if_empty(&child);
}

void Mirror::remove(const FactKey& key, Changes& changes) {
  // "a/" would find "a", but as another key.
  Node* node = is_path(key.path) ? const_cast<Node*>(find(key.path)) : nullptr;
  const FactCell* held = node == nullptr ? nullptr : node->find_cell(key.kind, key.id);
  if (held == nullptr) return;
  const FactValue value = node->value_of(*held);
  const Digest hash = value.hash;
  told_bytes_ -= told_size(key, value.instance, value.bytes);
  --fact_count_;
  ++revision_;
  add_hash(*node, hash, Digest{});
  if (key.kind == v1::FACT_KIND_LINK) {
    erase_link(*node, key.id);
  } else {
    const Counts before = contribution_of(*node);
    const bool counted = key.kind == v1::FACT_KIND_TARGET && node->branch_;
    if (counted) node->branch_->below -= count_of(held->parts().brief);
    node->facts_.erase(node->cell_at(key.kind, key.id));
    carry(*node, before);
    drop_if_empty(node);  // goes on upward as long as what it finds is empty
  }
  changes.push_back({key, hash, Digest{}});
}

std::vector<const Mirror::Node*> Mirror::places_of(std::string_view instance) const {
  std::vector<const Node*> places;
  const auto [begin, end] = by_instance_.equal_range(name_hash(instance));
  for (auto it = begin; it != end; ++it) {
    const auto link = it->second->link();
    if (link && link->instance() == instance) places.push_back(it->second);
  }
  return places;
}

void Mirror::index(const Node& node, const std::string& before, const std::string& now) {
  if (before == now) return;
  if (!before.empty()) {
    const auto [begin, end] = by_instance_.equal_range(name_hash(before));
    for (auto it = begin; it != end; ++it) {
      if (it->second != &node) continue;
      by_instance_.erase(it);
      break;
    }
    // The node's own link may still stand there.
    auto left = places_of(before);
    std::erase(left, &node);
    if (left.size() < 2) doubled_.erase(before);
  }
  if (now.empty()) return;
  by_instance_.emplace(name_hash(now), &node);
  if (places_of(now).size() > 1) doubled_.insert(now);
}

void Mirror::remove_subtree(std::string_view path, Changes& changes) {
  const auto keys = keys_below(path);
  if (keys.empty()) return;
  const FactKey whole{std::string(path), v1::FACT_KIND_UNSPECIFIED, {}};
  changes.push_back({whole, digest(path), Digest{}});
  const std::size_t first = changes.size();
  for (const FactKey& key : keys) remove(key, changes);
  for (std::size_t i = first; i < changes.size(); ++i) changes[i].pruned = true;
}

std::optional<FactValue> Mirror::find_fact(const FactKey& key) const {
  const Node* node = find(key.path);
  return node == nullptr ? std::nullopt : node->find_fact(key.kind, key.id);
}

std::vector<FactKey> Mirror::keys_below(std::string_view path) const {
  std::vector<FactKey> keys;
  std::vector<const Node*> open;
  if (const Node* node = find(path)) open.push_back(node);
  while (!open.empty()) {
    const Node* node = open.back();
    open.pop_back();
    const std::string where = node->path();
    node->each_place([&](int kind, std::string_view id) {
      keys.push_back({where, static_cast<v1::FactKind>(kind), std::string(id)});
      return true;
    });
    const auto& children = node->children();
    for (auto it = children.rbegin(); it != children.rend(); ++it) open.push_back(it->get());
  }
  return keys;
}

Digest Mirror::digest(std::string_view path) const {
  const Node* node = find(path);
  return node == nullptr ? Digest{} : node->digest();
}

void Mirror::add_hash(Node& node, const Digest& before, const Digest& now) {
  for (Node* at = &node; at != nullptr; at = at->parent_) {
    at->digest_ -= before;
    at->digest_ += now;
  }
}

// `before`: what the node has contributed to its parent. Brings everything above up to date.
void Mirror::carry(Node& node, Counts before) {
  for (Node* at = &node; at->parent_ != nullptr; at = at->parent_) {
    const Counts now = contribution_of(*at);
    if (now == before) return;
    Counts& sum = at->parent_->branch_->below;
    const Counts above = contribution_of(*at->parent_);
    sum -= before;
    sum += now;
    before = above;
  }
}

void Mirror::drop_if_empty(Node* node) {
  while (node->parent_ != nullptr && node->is_empty()) {
    Node* parent = node->parent_;
    const Counts before = contribution_of(*parent);
    parent->branch_->below -= contribution_of(*node);
    parent->branch_->children.erase(std::prev(parent->child_behind(node->name_)));
    carry(*parent, before);
    node = parent;
  }
}

const Mirror::Node* break_above(const Mirror::Node& node) {
  const Mirror::Node* found = nullptr;
  for (const Mirror::Node* at = &node; at->parent() != nullptr; at = at->parent()) {
    if (!passes(own_state(*at))) found = at;
  }
  return found;
}

NodeState state_of(const Mirror::Node& node) {
  if (node.parent() == nullptr) return NodeState::up;
  const NodeState own = own_state(node);
  const Mirror::Node* broken = break_above(node);
  if (broken == nullptr || broken == &node || own == NodeState::left) return own;
  return NodeState::unreachable;
}

std::string fact_bytes(const google::protobuf::MessageLite& message) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  CHECK(message.SerializeToCodedStream(&coded));
  coded.Trim();
  return bytes;
}

}  // namespace banyan::tree
