#pragma once
// A subtree as facts: what its nodes said last, with digests and counts kept up to date.
//
// Invariants
//  1. It changes only by what was told (set, remove): what cannot be known is a view, never an
//  edit.
//  2. digest(path) = sum of the hashes of all facts at and below path.
//  3. A node exists as long as it, or something below it, has a fact, or its parent has a link to
//  it.
// Cost: a packing and O(depth) additions per change, and a move within the list of the node's facts
// or children; an unpacking for each fact that is looked at. Single threaded. Node pointers stay
// valid until the node's last fact is removed.

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/base/digest.h"
#include "common/base/result.h"
#include "common/tree/counts.h"
#include "common/tree/mirror_node.h"

namespace banyan::tree {

struct FactKey {
  std::string path;  // of the node, from the mirror's own node ("" = itself)
  v1::FactKind kind = v1::FACT_KIND_UNSPECIFIED;
  std::string id;

  auto operator<=>(const FactKey&) const = default;
};

// A zero digest stands for "not there". When a subtree goes as a whole, a change with a key of no
// kind comes first (is_prune): `before` is the digest of the subtree. The removals of its facts
// follow, marked `pruned`.
struct FactChange {
  FactKey key;
  Digest before;
  Digest now;
  bool pruned = false;
};
inline bool is_prune(const FactKey& key) { return key.kind == v1::FACT_KIND_UNSPECIFIED; }
using Changes = std::vector<FactChange>;

// An update of several facts must fit a frame at every hop; what is larger is refused at its
// source.
inline constexpr std::size_t max_fact_bytes = 128 * 1024;

class Mirror {
 public:
  using Node = MirrorNode;

  Mirror();
  Mirror(Mirror&&) noexcept;
  Mirror& operator=(Mirror&&) noexcept;
  ~Mirror();

  // Errors: a value that does not parse or is too large, a path or an id that is not valid (the
  // caller ends the session). An equal value is no change. Kinds of later versions are kept without
  // being parsed.
  Status set(const FactKey& key, std::string_view instance, std::string bytes, Changes& changes);
  void remove(const FactKey& key, Changes& changes);
  void remove_subtree(std::string_view path, Changes& changes);

  const Node& top() const { return *top_; }
  const Node* find(std::string_view path) const;  // nullptr when there is none
  std::optional<FactValue> find_fact(const FactKey& key) const;
  std::vector<FactKey> keys_below(std::string_view path) const;  // the node itself included
  Digest digest(std::string_view path) const;                    // zero when there is no such node
  std::size_t fact_count() const { return fact_count_; }
  // About as many bytes as it takes to tell all of it, each fact by itself.
  std::uint64_t told_bytes() const { return told_bytes_; }
  // Instances that stand below more than one link.
  const std::set<std::string>& doubled() const { return doubled_; }
  // Where an instance stands, by its links.
  std::vector<const Node*> places_of(std::string_view instance) const;
  // Rises by one with every change. Local: never on the wire.
  std::uint64_t revision() const { return revision_; }

 private:
  Node* find_or_make(std::string_view path);
  static Node* find_or_make(Node& parent, std::string_view name);
  static void store(Node& node, const ToldFact& fact);
  void store_link(Node& node, const ToldFact& fact);
  void erase_link(Node& node, const std::string& id);
  static void add_hash(Node& node, const Digest& before, const Digest& now);
  static void carry(Node& node, Counts before);
  static void drop_if_empty(Node* node);
  void index(const Node& node, const std::string& before, const std::string& now);

  std::unique_ptr<FactPack> pack_;
  std::unique_ptr<Node> top_;
  std::unordered_multimap<std::uint64_t, const Node*> by_instance_;  // hash -> linked node
  std::set<std::string> doubled_;
  std::size_t fact_count_ = 0;
  std::uint64_t told_bytes_ = 0;
  std::uint64_t revision_ = 0;
};

// As seen from the mirror's top: up only if every link from the top to it is up or suspect.
NodeState state_of(const Mirror::Node& node);
// The topmost node at or above this one whose link is neither up nor suspect: the cause of being
// unreachable; nullptr when there is none.
const Mirror::Node* break_above(const Mirror::Node& node);

// The same message always gives the same bytes (maps are sorted).
std::string fact_bytes(const google::protobuf::MessageLite& message);

}  // namespace banyan::tree
