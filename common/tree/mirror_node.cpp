#include "common/tree/mirror_node.h"

#include <algorithm>
#include <limits>

#include "common/base/check.h"
#include "common/tree/fact_pack.h"

namespace banyan::tree {
namespace {

constexpr std::size_t instance_digits = 32;
constexpr std::string_view digits = "0123456789abcdef";

template <class Message>
std::optional<Message> parsed(const std::string& bytes) {
  Message message;
  CHECK(message.ParseFromString(bytes));  // it did when it was told
  return message;
}

std::pair<int, std::string_view> place_of(const FactCell& cell) {
  const auto parts = cell.parts();
  return {parts.kind, parts.id};
}

}  // namespace

MirrorNode::MirrorNode(MirrorNode* parent, std::string_view name) : parent_(parent), name_(name) {}

MirrorNode::~MirrorNode() = default;

std::string MirrorNode::path() const {
  std::string path;
  for (const MirrorNode* at = this; at->parent_ != nullptr; at = at->parent_) {
    path.insert(0, at->name_ + (path.empty() ? "" : "/"));
  }
  return path;
}

Counts MirrorNode::below() const {
  if (branch_) return branch_->below;
  Counts counts;
  each_target([&](std::string_view, FactBrief brief) { counts += count_of(brief); });
  return counts;
}

const MirrorNode::Children& MirrorNode::children() const {
  static const Children none;
  return branch_ ? branch_->children : none;
}

MirrorNode* MirrorNode::find_child(std::string_view name) const {
  const auto& all = children();
  const auto at = std::lower_bound(all.begin(), all.end(), name,
                                   [](const auto& each, auto key) { return each->name_ < key; });
  return at != all.end() && (*at)->name_ == name ? at->get() : nullptr;
}

const MirrorNode* MirrorNode::child(std::string_view name) const { return find_child(name); }

MirrorNode::Branch& MirrorNode::branch() {
  if (!branch_) {
    auto made = std::make_unique<Branch>();
    made->pack = &pack();
    made->below = below();
    branch_ = std::move(made);
  }
  return *branch_;
}

MirrorNode::Cells::const_iterator MirrorNode::cell_at(v1::FactKind kind,
                                                      std::string_view id) const {
  const std::pair<int, std::string_view> wanted{kind, id};
  return std::lower_bound(facts_.begin(), facts_.end(), wanted,
                          [](const auto& cell, const auto& at) { return place_of(cell) < at; });
}

const FactCell* MirrorNode::find_cell(v1::FactKind kind, std::string_view id) const {
  if (kind == v1::FACT_KIND_LINK) {
    const MirrorNode* linked = find_child(id);
    return linked != nullptr && linked->link_ ? &linked->link_ : nullptr;
  }
  const auto at = cell_at(kind, id);
  return at != facts_.end() && place_of(*at) == std::pair<int, std::string_view>(kind, id)
             ? &*at
             : nullptr;
}

std::string MirrorNode::instance() const {
  std::string text;
  if (!has_instance_) return text;
  for (const unsigned char value : instance_) text += {digits[value >> 4U], digits[value & 15U]};
  return text;
}

void MirrorNode::adopt_instance(std::string_view instance) {
  const bool fits = instance.size() == instance_digits &&
                    instance.find_first_not_of(digits) == std::string_view::npos;
  if (has_instance_ || !fits || !facts_.empty() || link_) return;
  for (std::size_t i = 0; i < instance_.size(); ++i) {
    instance_[i] = static_cast<unsigned char>(digits.find(instance[2 * i]) * 16 +
                                              digits.find(instance[2 * i + 1]));
  }
  has_instance_ = true;
}

// What the values of this node's facts, and the link to it, are likely to repeat.
std::string MirrorNode::own_context() const { return name_ + " " + instance(); }

std::string MirrorNode::context(v1::FactKind kind, std::string_view id) const {
  if (kind != v1::FACT_KIND_LINK) return own_context();
  const MirrorNode* linked = find_child(id);
  CHECK(linked != nullptr);
  return linked->own_context();
}

FactCell MirrorNode::cell_of(const ToldFact& fact) {
  const std::string packed = pack().pack(fact.bytes, context(fact.kind, fact.id));
  const bool by_owner = has_instance_ && fact.writer == instance();
  return FactCell({fact.kind, fact.brief, by_owner, fact.id, fact.writer, packed});
}

FactValue MirrorNode::value_of(const FactCell& cell) const {
  const auto parts = cell.parts();
  FactValue value;
  value.instance = parts.by_owner ? instance() : std::string(parts.writer);
  value.bytes = pack().unpack(parts.packed, context(parts.kind, parts.id));
  value.hash = fact_hash(value.instance, parts.kind, parts.id, value.bytes);
  return value;
}

std::optional<FactValue> MirrorNode::find_fact(v1::FactKind kind, std::string_view id) const {
  const FactCell* cell = find_cell(kind, id);
  return cell == nullptr ? std::nullopt : std::optional(value_of(*cell));
}

std::optional<v1::NodeFact> MirrorNode::fact() const {
  const auto value = find_fact(v1::FACT_KIND_NODE, "");
  return value ? parsed<v1::NodeFact>(value->bytes) : std::nullopt;
}

std::optional<v1::LinkFact> MirrorNode::link() const {
  if (!link_) return std::nullopt;
  return parsed<v1::LinkFact>(parent_->value_of(link_).bytes);
}

v1::LinkState MirrorNode::link_state() const {
  return link_ ? link_.parts().brief.link_state() : v1::LINK_STATE_UNSPECIFIED;
}

std::optional<v1::TargetFact> MirrorNode::target(std::string_view name) const {
  const auto value = find_fact(v1::FACT_KIND_TARGET, name);
  if (!value) return std::nullopt;
  auto fact = parsed<v1::TargetFact>(value->bytes);
  if (fact->state() == v1::TARGET_STATE_UNSPECIFIED) fact->set_state(v1::TARGET_STATE_PENDING);
  return fact;
}

std::optional<FactBrief> MirrorNode::target_brief(std::string_view name) const {
  const FactCell* cell = find_cell(v1::FACT_KIND_TARGET, name);
  return cell == nullptr ? std::nullopt : std::optional(cell->parts().brief);
}

std::size_t MirrorNode::target_count() const {
  std::size_t count = 0;
  each_target([&](std::string_view, FactBrief) { ++count; });
  return count;
}

std::vector<std::string> MirrorNode::target_names() const {
  std::vector<std::string> names;
  each_target([&](std::string_view name, FactBrief) { names.emplace_back(name); });
  return names;
}

std::size_t MirrorNode::fact_count() const {
  return facts_.size() + (branch_ ? branch_->links : 0);
}

void MirrorNode::each_place(const VisitPlace& visit) const {
  each_place_behind({std::numeric_limits<int>::min(), {}}, visit);
}

void MirrorNode::each_place_behind(const Place& place, const VisitPlace& visit) const {
  constexpr int link = v1::FACT_KIND_LINK;
  const std::pair<int, std::string_view> behind(place.first, place.second);
  auto cell =
      std::upper_bound(facts_.begin(), facts_.end(), behind,
                       [](const auto& at, const auto& each) { return at < place_of(each); });
  const auto visit_cells = [&](bool before_links) {
    for (; cell != facts_.end() && (place_of(*cell).first < link) == before_links; ++cell) {
      const auto [kind, id] = place_of(*cell);
      if (!visit(kind, id)) return false;
    }
    return true;
  };
  if (!visit_cells(true)) return;
  auto linked = place.first < link ? children().begin() : child_behind(place.second);
  if (place.first > link) linked = children().end();
  for (; linked != children().end(); ++linked) {
    if ((*linked)->link_ && !visit(link, (*linked)->name_)) return;
  }
  visit_cells(false);
}

MirrorNode::Children::const_iterator MirrorNode::child_behind(std::string_view name) const {
  const auto& all = children();
  return std::upper_bound(all.begin(), all.end(), name,
                          [](auto key, const auto& each) { return key < each->name_; });
}

bool MirrorNode::is_empty() const { return facts_.empty() && children().empty() && !link_; }

}  // namespace banyan::tree
