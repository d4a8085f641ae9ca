#include "root/cli/tree_rows.h"

#include <algorithm>

#include <fmt/format.h>

#include "root/cli/facts.h"
#include "root/cli/words.h"

namespace banyan::cli {

namespace {

constexpr std::size_t whole_rows = 24;

// A node of the answer with what was counted below it.
struct Branch {
  const json::value* node = nullptr;
  std::vector<Branch> children;
  std::size_t rows = 1;    // nodes and targets, itself included
  std::size_t leaves = 0;  // below, itself not included
  TargetCounts targets;
  bool quiet = true;  // itself and everything below
  bool own_targets_quiet = true;
};

bool is_leaf(const Branch& branch) {
  const std::string role = text_at(*branch.node, "role");
  return role.empty() ? branch.children.empty() : role == "leaf";
}

void add_child(Branch& branch, Branch child) {
  branch.rows += child.rows;
  branch.leaves += child.leaves + (is_leaf(child) ? 1 : 0);
  branch.quiet = branch.quiet && child.quiet;
  branch.children.push_back(std::move(child));
}

Branch gather(const json::value& node) {
  Branch branch;
  branch.node = &node;
  for (const json::value& target : array_at(node, "targets")) {
    ++branch.rows;
    branch.own_targets_quiet = branch.own_targets_quiet && is_quiet(target);
  }
  branch.quiet = is_quiet(node) && branch.own_targets_quiet;
  for (const json::value& child : array_at(node, "children")) add_child(branch, gather(child));
  branch.targets = target_counts(object_at(object_at(node, "counts"), "targets"));
  return branch;
}

class Rows {
 public:
  Rows(const TreeOptions& options, const View& view, bool whole)
      : options_(options), view_(view), whole_(whole || options.all) {}

  void add(const Branch& branch);
  std::vector<TreeRow> take() { return std::move(rows_); }

 private:
  bool is_open(const Branch& branch) const;
  bool out_of_reach(const Branch& branch) const;
  TreeRow row_of(const json::value& item) const;
  void add_target(const json::value& target);
  void add_children(const Branch& branch);
  void add_fold(const std::vector<const Branch*>& folded, bool more);
  void add_unreachable(const Branch& branch);
  template <class Add>
  void below(bool last, Add add);

  const TreeOptions& options_;
  const View& view_;
  bool whole_;
  std::vector<bool> lasts_;
  std::vector<TreeRow> rows_;
};

template <class Add>
void Rows::below(bool last, Add add) {
  lasts_.push_back(last);
  add();
  lasts_.pop_back();
}

bool Rows::is_open(const Branch& branch) const {
  const bool too_deep =
      options_.depth && lasts_.size() >= static_cast<std::size_t>(*options_.depth);
  if (too_deep) return false;
  if (whole_ || lasts_.empty()) return true;
  if (out_of_reach(branch)) return !branch.children.empty();
  if (text_at(*branch.node, "state") == "left") return false;
  if (is_leaf(branch)) return !branch.own_targets_quiet;
  return !branch.quiet;
}

bool Rows::out_of_reach(const Branch& branch) const {
  const std::string state = text_at(*branch.node, "state");
  return state == "lost" || state == "unreachable";
}

TreeRow Rows::row_of(const json::value& item) const {
  TreeRow row;
  row.lasts = lasts_;
  row.name = text_at(item, "name");
  const Shown state = shown_state(item);
  row.mark = state.mark;
  row.word = state.word;
  row.age = age_at(item, "since", view_.now);
  return row;
}

void Rows::add_target(const json::value& target) {
  TreeRow row = row_of(target);
  if (!is_quiet(target)) row.reason = reason_of(target);
  rows_.push_back(std::move(row));
}

void Rows::add(const Branch& branch) {
  TreeRow row = row_of(*branch.node);
  if (lasts_.empty()) row.name = "/";
  if (lasts_.empty() && text_at(*branch.node, "state").empty()) {
    row.mark = mark_of_state("up");
    row.word = "up";
  }
  if (const auto ms = number_at(*branch.node, "rtt_ms")) {
    row.round_trip = fmt::format(fmt::runtime(*ms < 10 ? "{:.1f} ms" : "{:.0f} ms"), *ms);
  }
  if (branch.targets.total > 0) {
    row.wanted = fmt::format("{}/{}", branch.targets.wanted, branch.targets.total);
  }
  if (row.word != "up") row.reason = reason_of(*branch.node);
  const bool open = is_open(branch);
  if (!open && branch.leaves > 0) {
    row.note = count_of(static_cast<std::int64_t>(branch.leaves), "leaf", "leaves");
  }
  rows_.push_back(std::move(row));
  if (!open) return;
  if (!whole_ && !lasts_.empty() && out_of_reach(branch)) {
    add_unreachable(branch);
  } else {
    add_children(branch);
  }
}

void Rows::add_children(const Branch& branch) {
  std::vector<const Branch*> shown, folded;
  for (const Branch& child : branch.children) {
    const bool fold = !whole_ && child.quiet && is_leaf(child);
    (fold ? folded : shown).push_back(&child);
  }
  if (folded.size() == 1) {
    folded.clear();
    shown.clear();
    for (const Branch& child : branch.children) shown.push_back(&child);
  }
  const json::array& targets = array_at(*branch.node, "targets");
  std::size_t left = targets.size() + shown.size() + (folded.empty() ? 0 : 1);
  for (const json::value& target : targets) {
    below(--left == 0, [&] { add_target(target); });
  }
  for (const Branch* child : shown) {
    below(--left == 0, [&] { add(*child); });
  }
  if (!folded.empty()) below(true, [&] { add_fold(folded, !shown.empty()); });
}

void Rows::add_fold(const std::vector<const Branch*>& folded, bool more) {
  TreeRow row;
  row.lasts = lasts_;
  row.name = fmt::format("{}{} leaves", folded.size(), more ? " more" : "");
  row.mark = mark_of_state("up");
  row.word = "up";
  TargetCounts sum;
  for (const Branch* branch : folded) {
    sum.wanted += branch->targets.wanted;
    sum.total += branch->targets.total;
  }
  row.wanted = fmt::format("{}/{}", sum.wanted, sum.total);
  rows_.push_back(std::move(row));
}

void Rows::add_unreachable(const Branch& branch) {
  below(true, [&] {
    TreeRow row;
    row.lasts = lasts_;
    row.name = count_of(static_cast<std::int64_t>(branch.leaves), "leaf", "leaves");
    row.mark = mark_of_state("unreachable");
    row.word = "unreachable";
    row.age = age_at(*branch.node, "since", view_.now);
    if (branch.targets.presumed > 0) {
      row.reason = fmt::format("{} presumed", count_of(branch.targets.presumed, "target"));
    }
    rows_.push_back(std::move(row));
  });
}

}  // namespace

std::vector<TreeRow> tree_rows(const json::value& top, const TreeOptions& options,
                               const View& view) {
  const Branch branch = gather(top);
  Rows rows(options, view, branch.rows <= whole_rows);
  rows.add(branch);
  return rows.take();
}

}  // namespace banyan::cli
