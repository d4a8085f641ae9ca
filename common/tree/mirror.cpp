#include "common/tree/mirror.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "common/base/check.h"
#include "common/base/name.h"

namespace banyan::tree {
namespace {

bool as_wanted(const v1::TargetFact& target) {
  switch (target.state()) {
    case v1::TARGET_STATE_RUNNING:
      return target.wanted();
    case v1::TARGET_STATE_STOPPED:
    case v1::TARGET_STATE_EXITED:
      return !target.wanted();
    default:
      return false;
  }
}

std::size_t state_index(v1::TargetState state) {
  const auto index = static_cast<std::size_t>(state);
  return index < target_states ? index : 0;
}

Counts count_of(const v1::TargetFact& target) {
  Counts counts;
  counts.targets[state_index(target.state())] = 1;
  counts.as_wanted = as_wanted(target) ? 1 : 0;
  return counts;
}

NodeState own_state(const v1::LinkFact* link) {
  if (link == nullptr) return NodeState::unreachable;
  switch (link->state()) {
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
  const NodeState state = own_state(link_of(node));
  Counts counts = passes(state) ? node.below : node.below.behind_a_break();
  counts.nodes[static_cast<std::size_t>(state)] += 1;
  return counts;
}

template <class Message>
Status parse(Message& message, const FactKey& key, const std::string& bytes) {
  if (message.ParseFromString(bytes)) return {};
  return failure(
      "fact does not parse", key.path + "#" + key.id,
      "kind " + std::to_string(key.kind) + ", " + std::to_string(bytes.size()) + " bytes");
}

Status check_key(const FactKey& key) {
  if (!is_path(key.path)) return failure("not a path", key.path);
  const bool named = key.kind == v1::FACT_KIND_LINK || key.kind == v1::FACT_KIND_TARGET;
  if (named && !is_name(key.id)) return failure("not a name", key.id);
  if (key.kind == v1::FACT_KIND_UNSPECIFIED) return failure("fact without a kind", key.path);
  return {};
}

}  // namespace

Mirror::Mirror() : top_(std::make_unique<Node>()) {}

const Mirror::Node* Mirror::find(std::string_view path) const {
  const Node* node = top_.get();
  while (!path.empty()) {
    const auto [first, rest] = split_first(path);
    const auto it = node->children.find(std::string(first));
    if (it == node->children.end()) return nullptr;
    node = it->second.get();
    path = rest;
  }
  return node;
}

Mirror::Node* Mirror::find_or_make(std::string_view path) {
  Node* node = top_.get();
  while (!path.empty()) {
    const auto [first, rest] = split_first(path);
    auto& child = node->children[std::string(first)];
    if (!child) {
      child = std::make_unique<Node>();
      child->name = first;
      child->path = join_path(node->path, first);
      child->parent = node;
      recount(*child);
    }
    node = child.get();
    path = rest;
  }
  return node;
}

Status Mirror::parse_into(Node& node, const FactKey& key, const std::string& bytes) {
  switch (key.kind) {
    case v1::FACT_KIND_NODE: {
      v1::NodeFact fact;
      if (auto status = parse(fact, key, bytes); !status) return status;
      node.node = std::move(fact);
      return {};
    }
    case v1::FACT_KIND_TARGET: {
      v1::TargetFact fact;
      if (auto status = parse(fact, key, bytes); !status) return status;
      auto& held = node.targets[key.id];
      if (held.state() != v1::TARGET_STATE_UNSPECIFIED) node.below -= count_of(held);
      held = std::move(fact);
      if (held.state() == v1::TARGET_STATE_UNSPECIFIED) held.set_state(v1::TARGET_STATE_PENDING);
      node.below += count_of(held);
      return {};
    }
    case v1::FACT_KIND_LINK: {
      v1::LinkFact fact;
      if (auto status = parse(fact, key, bytes); !status) return status;
      node.links[key.id] = std::move(fact);
      return {};
    }
    default:
      return {};
  }
}

void Mirror::forget_parsed(Node& node, const FactKey& key) {
  switch (key.kind) {
    case v1::FACT_KIND_NODE:
      node.node.reset();
      return;
    case v1::FACT_KIND_TARGET:
      if (const auto it = node.targets.find(key.id); it != node.targets.end()) {
        node.below -= count_of(it->second);
        node.targets.erase(it);
      }
      return;
    case v1::FACT_KIND_LINK:
      node.links.erase(key.id);
      return;
    default:
      return;
  }
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
  if (const FactValue* held = find_fact(key); held != nullptr && held->hash == hash) return {};
  Node* node = find_or_make(key.path);
  const std::string linked = linked_instance(*node, key);
  if (auto status = parse_into(*node, key, bytes); !status) {
    drop_if_empty(node);
    return status;
  }
  auto [it, fresh] = node->facts.try_emplace({key.kind, key.id});
  if (fresh) ++fact_count_;
  const Digest before = it->second.hash;
  it->second = FactValue{std::string(instance), std::move(bytes), hash};
  add_hash(*node, before, hash);
  if (key.kind == v1::FACT_KIND_LINK) {
    Node& child = *find_or_make(join_path(key.path, key.id));
    recount(child);
    index(child, linked, linked_instance(*node, key));
  }
  recount(*node);
  ++revision_;
  changes.push_back({key, before, hash});
  return {};
}

void Mirror::remove(const FactKey& key, Changes& changes) {
  // "a/" would find "a", but as another key.
  Node* node = is_path(key.path) ? const_cast<Node*>(find(key.path)) : nullptr;
  if (node == nullptr) return;
  const auto it = node->facts.find({key.kind, key.id});
  if (it == node->facts.end()) return;
  const Digest before = it->second.hash;
  if (key.kind == v1::FACT_KIND_LINK) {
    const Node* linked = find(join_path(key.path, key.id));
    index(*linked, linked_instance(*node, key), std::string());
  }
  node->facts.erase(it);
  --fact_count_;
  forget_parsed(*node, key);
  add_hash(*node, before, Digest{});
  recount(*node);
  ++revision_;
  const auto child = node->children.find(key.kind == v1::FACT_KIND_LINK ? key.id : std::string());
  if (child != node->children.end()) {
    recount(*child->second);
    node = child->second.get();
  }
  drop_if_empty(node);  // goes on upward as long as what it finds is empty
  changes.push_back({key, before, Digest{}});
}

std::string Mirror::linked_instance(const Node& node, const FactKey& key) {
  if (key.kind != v1::FACT_KIND_LINK) return {};
  const auto it = node.links.find(key.id);
  return it == node.links.end() ? std::string() : it->second.instance();
}

std::vector<const Mirror::Node*> Mirror::places_of(std::string_view instance) const {
  std::vector<const Node*> places;
  const auto [begin, end] = by_instance_.equal_range(name_hash(instance));
  for (auto it = begin; it != end; ++it) {
    const v1::LinkFact* link = link_of(*it->second);
    if (link != nullptr && link->instance() == instance) places.push_back(it->second);
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

const FactValue* Mirror::find_fact(const FactKey& key) const {
  const Node* node = find(key.path);
  if (node == nullptr) return nullptr;
  const auto it = node->facts.find({key.kind, key.id});
  return it == node->facts.end() ? nullptr : &it->second;
}

std::vector<FactKey> Mirror::keys_below(std::string_view path) const {
  std::vector<FactKey> keys;
  std::vector<const Node*> open;
  if (const Node* node = find(path)) open.push_back(node);
  while (!open.empty()) {
    const Node* node = open.back();
    open.pop_back();
    for (const auto& [id, value] : node->facts) {
      keys.push_back({node->path, static_cast<v1::FactKind>(id.first), id.second});
    }
    for (auto it = node->children.rbegin(); it != node->children.rend(); ++it) {
      open.push_back(it->second.get());
    }
  }
  return keys;
}

Digest Mirror::digest(std::string_view path) const {
  const Node* node = find(path);
  return node == nullptr ? Digest{} : node->digest;
}

void Mirror::add_hash(Node& node, const Digest& before, const Digest& now) {
  for (Node* at = &node; at != nullptr; at = at->parent) {
    at->digest -= before;
    at->digest += now;
  }
}

// Brings the contributions of `node` and of everything above it up to date.
void Mirror::recount(Node& node) {
  for (Node* at = &node; at->parent != nullptr; at = at->parent) {
    const Counts now = contribution_of(*at);
    if (now == at->contribution) return;
    at->parent->below -= at->contribution;
    at->parent->below += now;
    at->contribution = now;
  }
}

void Mirror::drop_if_empty(Node* node) {
  while (node->parent != nullptr && node->facts.empty() && node->children.empty() &&
         link_of(*node) == nullptr) {
    Node* parent = node->parent;
    parent->below -= node->contribution;
    parent->children.erase(node->name);
    recount(*parent);
    node = parent;
  }
}

const v1::LinkFact* link_of(const Mirror::Node& node) {
  if (node.parent == nullptr) return nullptr;
  const auto it = node.parent->links.find(node.name);
  return it == node.parent->links.end() ? nullptr : &it->second;
}

const Mirror::Node* break_above(const Mirror::Node& node) {
  const Mirror::Node* found = nullptr;
  for (const Mirror::Node* at = &node; at->parent != nullptr; at = at->parent) {
    if (!passes(own_state(link_of(*at)))) found = at;
  }
  return found;
}

NodeState state_of(const Mirror::Node& node) {
  if (node.parent == nullptr) return NodeState::up;
  const NodeState own = own_state(link_of(node));
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
