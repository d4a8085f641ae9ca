#include "common/view/fact_json.h"

#include "common/base/name.h"
#include "common/base/units.h"
#include "common/view/wall_text.h"

namespace banyan::view {
namespace {

using boost::json::array;
using boost::json::object;
using boost::json::value;
using tree::Mirror;

value time_or_null(std::int64_t wall_ms) {
  const auto text = rfc3339_or_none(wall_ms);
  return text ? value(*text) : value(nullptr);
}

template <class Labels>
void add_labels(object& json, const Labels& labels) {
  const std::map<std::string, std::string> sorted(labels.begin(), labels.end());
  for (const auto& [key, text] : sorted) json[key] = text;
}

object labels_of(const tree::TargetRef& target, const v1::TargetFact& fact) {
  object json;
  if (const auto node = target.node->fact()) add_labels(json, node->labels());
  add_labels(json, fact.labels());
  return json;
}

value last_exit_json(const v1::TargetFact& fact) {
  if (!fact.has_last_exit()) return nullptr;
  const auto& last = fact.last_exit();
  object json;
  const bool has_code = last.signal() == 0 && !last.unknown();
  json["code"] = has_code ? value(last.code()) : value(nullptr);
  json["signal"] = last.signal() == 0 ? value(nullptr) : value(signal_name(last.signal()));
  json["core"] = last.core();
  json["oom"] = last.oom();
  json["unknown"] = last.unknown();
  json["at"] = time_or_null(last.at_ms());
  json["ran_ms"] = last.ran_ms();
  const bool measured = last.max_rss_bytes() > 0;  // any process that ran had memory
  json["user_ms"] = measured ? value(last.user_ms()) : value(nullptr);
  json["system_ms"] = measured ? value(last.system_ms()) : value(nullptr);
  json["max_rss_bytes"] = measured ? value(last.max_rss_bytes()) : value(nullptr);
  return json;
}

// Since when what is shown of a node cannot be confirmed; 0 while it can.
std::int64_t broken_since(const Mirror::Node* broken) {
  if (broken == nullptr) return 0;
  const auto link = broken->link();
  return link ? link->since_ms() : 0;
}

std::int64_t node_since(const Mirror::Node& node) {
  if (node.parent() == nullptr) {
    const auto fact = node.fact();
    return fact ? fact->started_ms() : 0;
  }
  const Mirror::Node* broken = tree::break_above(node);
  if (broken != nullptr) return broken_since(broken);
  const auto link = node.link();
  return link ? link->since_ms() : 0;
}

}  // namespace

std::string shown_path(std::string_view path) {
  return path.empty() ? std::string("/") : std::string(path);
}

TreeShape shape_of(const tree::Selection& selection, int depth) {
  TreeShape shape{false, {}, {}, depth};
  const auto add = [&shape](const Mirror::Node* node) {
    while (node != nullptr && shape.nodes.insert(node).second) node = node->parent();
  };
  for (const auto* node : selection.nodes) add(node);
  for (const auto& target : selection.targets) {
    add(target.node);
    shape.targets.emplace(target.node, target.name);
  }
  return shape;
}

tree::Counts counts_of(const Mirror::Node& node) {
  return tree::break_above(node) == nullptr ? node.below() : node.below().behind_a_break();
}

object FactJson::node_counts(const tree::Counts& counts) {
  object json;
  json["total"] = counts.nodes_total();
  for (std::size_t i = 0; i < tree::node_states; ++i) {
    json[tree::name_of(static_cast<tree::NodeState>(i))] = counts.nodes[i];
  }
  return json;
}

object FactJson::target_counts(const tree::Counts& counts) {
  object json;
  json["total"] = counts.targets_total();
  for (const auto state :
       {v1::TARGET_STATE_RUNNING, v1::TARGET_STATE_STARTING, v1::TARGET_STATE_PENDING,
        v1::TARGET_STATE_STOPPING, v1::TARGET_STATE_STOPPED, v1::TARGET_STATE_BACKING_OFF,
        v1::TARGET_STATE_EXITED, v1::TARGET_STATE_FAILED}) {
    json[tree::name_of(state)] = counts.targets[static_cast<std::size_t>(state)];
  }
  json["presumed"] = counts.presumed;
  json["as_wanted"] = counts.as_wanted;
  return json;
}

void FactJson::add_top(object& json, const Mirror::Node& node) const {
  json["name"] = top_.name;
  json["role"] = top_.role;
  json["host"] = top_.host;
  json["version"] = top_.version;
  json["instance_id"] = top_.instance;
  if (!node.fact()) json["since"] = time_or_null(top_.started_ms);
}

object FactJson::node(const Mirror::Node& node) const {
  const auto state = tree::state_of(node);
  const auto link = node.link();
  const v1::NodeFact fact = node.fact().value_or(v1::NodeFact());
  const bool presumed = state == tree::NodeState::unreachable;
  object json;
  json["path"] = shown_path(node.path());
  json["name"] = node.name();
  json["role"] = fact.role();
  json["state"] = tree::name_of(state);
  json["health"] = name_of(health_.of(node));
  json["since"] = time_or_null(node_since(node));
  array evidence;
  if (link) {
    for (const auto& line : link->evidence()) evidence.emplace_back(line);
  }
  json["evidence"] = std::move(evidence);
  json["host"] = fact.host();
  json["version"] = !fact.version().empty() || !link ? fact.version() : link->peer_version();
  json["instance_id"] = !fact.instance().empty() || !link ? fact.instance() : link->instance();
  add_labels(json["labels"].emplace_object(), fact.labels());
  const auto counts = counts_of(node);
  json["counts"] = object{{"nodes", node_counts(counts)}, {"targets", target_counts(counts)}};
  json["children"] = node.children().size();
  json["presumed"] = presumed;
  json["as_of"] = presumed ? json["since"] : value(nullptr);
  if (node.parent() == nullptr) add_top(json, node);
  return json;
}

object FactJson::target(const tree::TargetRef& target) const {
  const v1::TargetFact fact = target.fact();
  const Mirror::Node* broken = tree::break_above(*target.node);
  object json;
  json["path"] = target.path();
  json["node"] = shown_path(target.node->path());
  json["name"] = target.name;
  json["state"] = tree::name_of(fact.state());
  json["health"] = name_of(health_of(fact, broken != nullptr));
  json["health_text"] = fact.health_text();
  json["status_text"] = fact.status_text();
  json["since"] = time_or_null(fact.since_ms());
  json["generation"] = fact.generation();
  json["pid"] = fact.pid() == 0 ? value(nullptr) : value(fact.pid());
  json["restarts"] = fact.restarts();
  json["last_exit"] = last_exit_json(fact);
  json["error"] = fact.error();
  json["command"] = fact.command();
  json["wanted"] = fact.wanted();
  json["group"] = fact.group().empty() ? target.name : fact.group();
  json["next_try"] = time_or_null(fact.next_try_ms());
  json["bufsize"] = fact.bufsize();
  json["labels"] = labels_of(target, fact);
  json["presumed"] = broken != nullptr;
  json["as_of"] = time_or_null(broken_since(broken));
  return json;
}

object FactJson::tree(const Mirror::Node& node, const TreeShape& shape) const {
  return tree_level(node, shape, 0);
}

object FactJson::tree_level(const Mirror::Node& node, const TreeShape& shape, int level) const {
  object json = this->node(node);
  array targets;
  for (const auto& name : node.target_names()) {
    if (!shape.everything && !shape.targets.contains({&node, name})) continue;
    targets.push_back(target({&node, name}));
  }
  json["targets"] = std::move(targets);
  array children;
  for (const auto& child : node.children()) {
    if (shape.depth >= 0 && level >= shape.depth) break;
    if (!shape.everything && !shape.nodes.contains(child.get())) continue;
    children.push_back(tree_level(*child, shape, level + 1));
  }
  json["children"] = std::move(children);
  return json;
}

}  // namespace banyan::view
