// The event stream: subscribing, and telling what changes. What itself changed is told at once; the
// sums of the nodes above it and the outages follow a moment later, once for many changes.

#include <algorithm>
#include <charconv>

#include <boost/json.hpp>

#include "common/base/name.h"
#include "common/base/text.h"
#include "common/view/api.h"

namespace banyan::view {
namespace {

bool is_broken(const tree::Mirror::Node& node) {
  const auto state = node.link_state();
  return state != v1::LINK_STATE_UP && state != v1::LINK_STATE_SUSPECT;
}

tl::expected<unsigned, Problem> read_topics(const Query& query) {
  if (query.find("topics") == nullptr) return all_topics;
  unsigned topics = 0;
  for (const auto& word : query.words("topics")) {
    bool known = word == "state";  // nothing is told of it yet
    for (const auto topic : {Topic::events, Topic::targets, Topic::nodes, Topic::outages}) {
      if (word != name_of(topic)) continue;
      topics |= static_cast<unsigned>(topic);
      known = true;
    }
    if (known) continue;
    const auto near = did_you_mean(word, {"events", "targets", "nodes", "outages", "state"});
    Error error{"unknown topic", "topics=" + visible(word), {}, {}};
    error.hint = near ? "did you mean " + *near + "?" : "topics: events targets nodes outages";
    return bad_request(std::move(error));
  }
  return topics;
}

std::optional<std::uint64_t> read_last_id(const tree::HttpHeaders& headers) {
  for (const auto& [name, value] : headers) {
    if (name != "last-event-id") continue;
    std::uint64_t id = 0;  // what is no number is answered by a gap
    std::from_chars(value.data(), value.data() + value.size(), id);
    return id;
  }
  return std::nullopt;
}

std::string removed_json(std::string_view path) {
  return boost::json::serialize(boost::json::object{{"path", shown_path(path)}, {"removed", true}});
}

}  // namespace

Reply Api::get_stream(Call& call) {
  const auto topics = read_topics(call.query);
  if (!topics) return tl::unexpected<Problem>(topics.error());
  const auto snapshot_wanted = call.query.flag("snapshot");
  if (!snapshot_wanted) return bad_request(snapshot_wanted.error());
  const auto text = call.query.text("select");
  auto selector = tree::Selector::parse(text);
  if (!selector) {
    Error error = selector.error();
    error.where = "select=" + visible(text);
    return bad_request(std::move(error));
  }
  Subscription subscription{call.request.exchange, *topics, std::move(*selector),
                            read_last_id(call.request.headers)};
  if (!hub_.active()) begin_publishing();
  if (!hub_.subscribe(subscription, call.now, call.effects)) {
    return refuse(503, {"too many event streams", {}, "at most 1000", "try again later"});
  }
  if (*snapshot_wanted) {
    hub_.send_alone(call.request.exchange, snapshot(subscription), call.effects);
  }
  return std::nullopt;
}

// What was told so far is taken to be the present.
void Api::begin_publishing() {
  broken_.clear();
  unsettled_.clear();
  outages_.clear();
  settle_at_ = never;
  for (auto& outage : find_outages(mirror_)) outages_[outage.id] = std::move(outage);
  std::vector<const tree::Mirror::Node*> open = {&mirror_.top()};
  while (!open.empty()) {
    const auto* node = open.back();
    open.pop_back();
    if (node->parent() != nullptr && is_broken(*node)) broken_.insert(node->path());
    for (const auto& child : node->children()) open.push_back(child.get());
  }
}

std::string Api::snapshot(const Subscription& subscription) {
  const auto asked = [&](Topic topic) {
    return (subscription.topics & static_cast<unsigned>(topic)) != 0;
  };
  std::string frames;
  std::vector<const tree::Mirror::Node*> open = {&mirror_.top()};
  while (!open.empty()) {
    const auto* node = open.back();
    open.pop_back();
    if (asked(Topic::nodes) && node->parent() != nullptr && subscription.selector.selects(*node)) {
      frames += hub_.frame(Topic::nodes, boost::json::serialize(json_.node(*node)));
    }
    for (const auto& name : node->target_names()) {
      const tree::TargetRef target{node, name};
      if (!asked(Topic::targets) || !subscription.selector.selects(target)) continue;
      frames += hub_.frame(Topic::targets, boost::json::serialize(json_.target(target)));
    }
    const auto& children = node->children();
    for (auto it = children.rbegin(); it != children.rend(); ++it) {
      open.push_back(it->get());
    }
  }
  if (!asked(Topic::outages)) return frames;
  for (const auto& outage : find_outages(mirror_)) {
    if (!subscription.selector.selects(mirror_, outage.root_cause)) continue;
    frames += hub_.frame(Topic::outages, boost::json::serialize(outage_json(outage)));
  }
  return frames;
}

void Api::on_changes(const tree::Changes& changes, Now now, ApiEffects& effects) {
  health_.on_changes(changes);
  roll_commands(now, effects);
  if (!hub_.active() || changes.empty()) return;
  std::set<tree::FactKey> told;
  for (const auto& change : changes) {
    const auto& key = change.key;
    if (!told.insert(key).second) continue;
    std::string_view above = key.path;
    if (key.kind == v1::FACT_KIND_TARGET) {
      publish_target(key.path, key.id, effects);
      unsettled_.insert(key.path);
    } else if (key.kind == v1::FACT_KIND_LINK) {
      publish_link(key.path, key.id, effects);
      unsettled_.insert(key.path);
    } else if (key.kind == v1::FACT_KIND_NODE) {
      publish_node(key.path, effects);
    }
    while (!above.empty()) {
      above = split_last(above).first;
      unsettled_.emplace(above);
    }
  }
  if (settle_at_ == never) settle_at_ = after(now.time, settle_delay);
}

void Api::publish_link(const std::string& parent, const std::string& child, ApiEffects& effects) {
  const std::string path = join_path(parent, child);
  const auto* node = mirror_.find(path);
  const bool broken = node != nullptr && is_broken(*node);
  const bool was_broken = broken_.contains(path);
  publish_node(path, effects);
  if (broken == was_broken) return;
  if (broken) {
    broken_.insert(path);
  } else {
    broken_.erase(path);
  }
  if (node != nullptr) publish_subtree(*node, effects);
}

void Api::publish_subtree(const tree::Mirror::Node& node, ApiEffects& effects) {
  const auto count = node.below().nodes_total() + node.below().targets_total();
  if (count > static_cast<std::int64_t>(max_told_at_once)) {
    hub_.publish_gap("too much has changed at once to tell it all", effects);
    return;
  }
  for (const auto& name : node.target_names()) publish_target(node.path(), name, effects);
  for (const auto& child : node.children()) {
    publish_node(child->path(), effects);
    publish_subtree(*child, effects);
  }
}

void Api::publish_node(const std::string& path, ApiEffects& effects) {
  if (path.empty() || !hub_.wants(Topic::nodes)) return;
  const auto* node = mirror_.find(path);
  const std::string json =
      node == nullptr ? removed_json(path) : boost::json::serialize(json_.node(*node));
  hub_.publish(Topic::nodes, path, json, effects);
}

void Api::publish_target(const std::string& node, const std::string& name, ApiEffects& effects) {
  if (!hub_.wants(Topic::targets)) return;
  const std::string path = join_path(node, name);
  const auto* held = mirror_.find(node);
  const bool there = held != nullptr && held->has_target(name);
  const std::string json =
      there ? boost::json::serialize(json_.target({held, name})) : removed_json(path);
  hub_.publish(Topic::targets, path, json, effects);
}

void Api::publish_settled(Now now, ApiEffects& effects) {
  settle_at_ = never;
  for (const auto& path : std::exchange(unsettled_, {})) {
    if (mirror_.find(path) != nullptr) publish_node(path, effects);
  }
  if (!hub_.wants(Topic::outages)) return;
  std::map<std::string, Outage> present;
  for (auto& outage : find_outages(mirror_)) present[outage.id] = std::move(outage);
  for (const auto& [id, outage] : present) {
    const auto it = outages_.find(id);
    if (it != outages_.end() && it->second == outage) continue;
    const auto json = boost::json::serialize(outage_json(outage));
    hub_.publish(Topic::outages, outage.root_cause, json, effects);
  }
  for (const auto& [id, outage] : outages_) {
    if (present.contains(id)) continue;
    const auto json = boost::json::serialize(outage_json(outage, wall_ms(now.wall)));
    hub_.publish(Topic::outages, outage.root_cause, json, effects);
  }
  outages_ = std::move(present);
}

}  // namespace banyan::view
