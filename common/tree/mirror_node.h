#pragma once
// One node of a Mirror: what it said, what its parent says of it, and what hangs below it. A tree
// may have a million of them, so that all is kept packed and handed out by value.
// Changed by its Mirror alone. Pure, single threaded.

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/digest.h"
#include "common/tree/counts.h"
#include "common/tree/fact_cell.h"

namespace banyan::tree {

class FactPack;

struct FactValue {
  std::string instance;  // of the node that it is about; part of the hash
  std::string bytes;     // as told
  Digest hash;
};

// One as it was told, before it is packed.
struct ToldFact {
  v1::FactKind kind = v1::FACT_KIND_UNSPECIFIED;
  std::string_view id;
  std::string_view writer;  // an instance
  std::string_view bytes;
  FactBrief brief;
};

class MirrorNode {
 public:
  using Children = std::vector<std::unique_ptr<MirrorNode>>;
  using Place = std::pair<int, std::string>;  // (kind, id): facts are in the order of these

  MirrorNode(MirrorNode* parent, std::string_view name);
  MirrorNode(const MirrorNode&) = delete;
  MirrorNode& operator=(const MirrorNode&) = delete;
  ~MirrorNode();

  const MirrorNode* parent() const { return parent_; }  // nullptr at the top
  const std::string& name() const { return name_; }
  std::string path() const;                         // from the top
  const Digest& digest() const { return digest_; }  // of the subtree
  Counts below() const;  // own targets, and everything below; not the node itself

  const Children& children() const;  // by name
  Children::const_iterator child_behind(std::string_view name) const;
  const MirrorNode* child(std::string_view name) const;

  // What it says of itself, and what its parent says of it.
  std::optional<v1::NodeFact> fact() const;
  std::optional<v1::LinkFact> link() const;
  bool has_link() const { return static_cast<bool>(link_); }
  v1::LinkState link_state() const;  // unspecified without a link

  std::size_t target_count() const;
  std::vector<std::string> target_names() const;  // in order
  std::optional<v1::TargetFact> target(std::string_view name) const;
  std::optional<FactBrief> target_brief(std::string_view name) const;
  bool has_target(std::string_view name) const { return target_brief(name).has_value(); }
  template <class Visit>  // (std::string_view name, FactBrief), in order
  void each_target(Visit visit) const {
    for (const FactCell& cell : facts_) {
      const auto parts = cell.parts();
      if (parts.kind == v1::FACT_KIND_TARGET) visit(parts.id, parts.brief);
    }
  }

  // All facts of the node, the links to its children among them.
  std::size_t fact_count() const;
  std::optional<FactValue> find_fact(v1::FactKind kind, std::string_view id) const;
  using VisitPlace = std::function<bool(int kind, std::string_view id)>;  // false = enough
  void each_place(const VisitPlace& visit) const;                         // in order
  void each_place_behind(const Place& place, const VisitPlace& visit) const;

 private:
  friend class Mirror;

  // Of a node with children, or with more targets than can be counted at each change.
  struct Branch {
    FactPack* pack = nullptr;
    Children children;
    Counts below;
    std::size_t links = 0;  // of its children
  };
  using Cells = std::vector<FactCell>;

  FactPack& pack() const { return *(branch_ ? branch_ : parent_->branch_)->pack; }
  Branch& branch();
  MirrorNode* find_child(std::string_view name) const;
  Cells::const_iterator cell_at(v1::FactKind kind, std::string_view id) const;
  const FactCell* find_cell(v1::FactKind kind, std::string_view id) const;
  FactValue value_of(const FactCell& cell) const;  // of its own facts, and of its children's links
  std::string context(v1::FactKind kind, std::string_view id) const;
  std::string own_context() const;
  std::string instance() const;
  // Kept for good, if nothing was packed with another one before.
  void adopt_instance(std::string_view instance);
  FactCell cell_of(const ToldFact& fact);
  bool is_empty() const;

  MirrorNode* parent_;
  std::string name_;
  Digest digest_;
  std::unique_ptr<Branch> branch_;
  Cells facts_;    // its own but the links, by (kind, id)
  FactCell link_;  // the parent's fact about it
  std::array<unsigned char, 16> instance_{};
  bool has_instance_ = false;
};

}  // namespace banyan::tree
