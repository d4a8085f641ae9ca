#pragma once
// Nodes, targets, counts and trees as the JSON of the REST contract. Pure: a function of the
// mirror's facts alone (no ages, no gauges), so that an equal revision gives equal bytes.

#include <set>
#include <string>
#include <string_view>
#include <utility>

#include <boost/json.hpp>

#include "common/tree/mirror.h"
#include "common/tree/selector.h"
#include "common/view/health.h"

namespace banyan::view {

// The node that serves: what its mirror may not say about the top.
struct TopInfo {
  std::string name;
  std::string role;
  std::string version;
  std::string instance;
  std::string host;
  std::int64_t started_ms = 0;
};

// "" -> "/": paths as people see them.
std::string shown_path(std::string_view path);

// Which part of a tree is shown.
struct TreeShape {
  bool everything = true;
  std::set<const tree::Mirror::Node*> nodes;  // those chosen, and all above them
  std::set<std::pair<const tree::Mirror::Node*, std::string>> targets;
  int depth = -1;  // levels below the top; -1 = all
};
TreeShape shape_of(const tree::Selection& selection, int depth);

class FactJson {
 public:
  FactJson(const TopInfo& top, HealthView& health) : top_(top), health_(health) {}

  boost::json::object node(const tree::Mirror::Node& node) const;
  boost::json::object target(const tree::TargetRef& target) const;
  boost::json::object tree(const tree::Mirror::Node& node, const TreeShape& shape) const;

  static boost::json::object node_counts(const tree::Counts& counts);
  static boost::json::object target_counts(const tree::Counts& counts);

 private:
  boost::json::object tree_level(const tree::Mirror::Node& node, const TreeShape& shape,
                                 int level) const;
  void add_top(boost::json::object& json, const tree::Mirror::Node& node) const;

  const TopInfo& top_;
  HealthView& health_;
};

// What hangs below a node, as seen from the top: behind a break it cannot be known.
tree::Counts counts_of(const tree::Mirror::Node& node);

}  // namespace banyan::view
