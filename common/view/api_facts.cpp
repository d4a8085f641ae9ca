// Lists and single objects made of facts: status, tree, nodes, targets, outages.

#include <algorithm>

#include <boost/json.hpp>

#include "common/base/name.h"
#include "common/base/text.h"
#include "common/view/api.h"
#include "common/view/page.h"
#include "common/view/suggest.h"

namespace banyan::view {
namespace {

// Tree order of paths: what is below a name comes before the next name.
bool path_less(std::string_view left, std::string_view right) {
  const auto rank = [](char c) { return c == '/' ? 0 : static_cast<int>(c); };
  return std::lexicographical_compare(left.begin(), left.end(), right.begin(), right.end(),
                                      [&](char a, char b) { return rank(a) < rank(b); });
}

// Tree order of targets: a node's own before those below it.
bool target_less(std::string_view left, std::string_view right) {
  const auto [left_node, left_name] = split_last(left);
  const auto [right_node, right_name] = split_last(right);
  if (left_node != right_node) return path_less(left_node, right_node);
  return left_name < right_name;
}

Error about_select(const Error& error, std::string_view select) {
  return Error{error.what, "select=" + std::string(select), error.why, error.hint};
}

GaugeAnswer::Item gauge_item(const FactJson& json, const tree::TargetRef& target) {
  return {json.target(target), target.node->path(), target.name, target.fact().pid() != 0,
          target.path()};
}

}  // namespace

std::uint64_t Api::revision() const {
  return static_cast<std::uint64_t>(options_.top.started_ms) + mirror_.revision();
}

std::string Api::etag() const { return "\"" + std::to_string(revision()) + "\""; }

bool Api::is_unchanged(const Call& call) const {
  for (const auto& [name, value] : call.request.headers) {
    if (name != "if-none-match") continue;
    for (auto word : split_words(value, ',')) {
      word.erase(0, std::min(word.find_first_not_of(" \t"), word.size()));
      word.erase(word.find_last_not_of(" \t") + 1);
      if (word.starts_with("W/")) word.erase(0, 2);
      if (word == "*" || word == etag()) return true;
    }
  }
  return false;
}

Reply Api::facts_answer(std::string body) const {
  Answer answer = json_answer(std::move(body));
  answer.headers.emplace_back("etag", etag());
  return answer;
}

tl::expected<tree::Selection, Problem> Api::select(const Call& call) const {
  std::string text = call.query.text("select");
  for (const auto& state : call.query.words("state")) text += " @" + state;
  const auto selector = tree::Selector::parse(text);
  if (!selector) return bad_request(about_select(selector.error(), visible(text)));
  auto selection = selector->select(mirror_);
  if (selection.candidates.empty()) return selection;
  Error error{"the name is not unique", selection.ambiguous, {}, {}};
  error.hint = "write a whole path: " + selection.candidates.front();
  return refuse(404, std::move(error), std::move(selection.candidates));
}

Reply Api::get_status(Call&) {
  const auto counts = mirror_.top().below();
  boost::json::object body;
  body["name"] = options_.top.name;
  body["version"] = options_.top.version;
  body["revision"] = revision();
  body["role"] = options_.top.role;
  body["instance_id"] = options_.top.instance;
  body["health"] = name_of(health_.of(mirror_.top()));
  body["nodes"] = FactJson::node_counts(counts);
  body["targets"] = FactJson::target_counts(counts);
  body["events"] = {{"last_seq", events_.last_seq()}, {"dropped", events_.dropped()}};
  boost::json::array outages;
  for (const auto& outage : find_outages(mirror_)) outages.push_back(outage_json(outage));
  body["outages"] = std::move(outages);
  return json_answer(boost::json::serialize(body));
}

Reply Api::get_tree(Call& call) {
  const auto depth = call.query.integer("depth", {0, 64});
  if (!depth) return bad_request(depth.error());
  const auto selection = select(call);
  if (!selection) return tl::unexpected<Problem>(selection.error());
  if (is_unchanged(call)) return Answer{304, {{"etag", etag()}}, {}};
  const int levels = *depth ? static_cast<int>(**depth) : -1;
  TreeShape shape{true, {}, {}, levels};
  if (call.query.text("select").find_first_not_of(' ') != std::string::npos) {
    shape = shape_of(*selection, levels);
  }
  return facts_answer(boost::json::serialize(json_.tree(mirror_.top(), shape)));
}

Reply Api::get_nodes(Call& call) {
  const auto page = Page::read(call.query);
  if (!page) return bad_request(page.error());
  const auto gauges = call.query.flag("gauges");
  if (!gauges) return bad_request(gauges.error());
  const auto selection = select(call);
  if (!selection) return tl::unexpected<Problem>(selection.error());
  if (is_unchanged(call)) return Answer{304, {{"etag", etag()}}, {}};
  const auto& nodes = selection->nodes;
  auto at = nodes.begin();
  if (!page->from.empty()) {
    at = std::find_if(nodes.begin(), nodes.end(),
                      [&](const auto* node) { return path_less(page->from, node->path()); });
  }
  if (*gauges) {
    GaugeAnswer answer(*page, false);
    for (; at != nodes.end() && answer.has_room(); ++at) {
      answer.add({json_.node(**at), (*at)->path(), {}, true, (*at)->path()});
    }
    if (at != nodes.end()) answer.set_more();
    return gather(std::move(answer), call);
  }
  PageWriter writer(*page);
  while (at != nodes.end() && writer.has_room()) {
    writer.add(boost::json::serialize(json_.node(**at)), (*at)->path());
    ++at;
  }
  return facts_answer(writer.finish(at != nodes.end()));
}

Reply Api::get_targets(Call& call) {
  const auto page = Page::read(call.query);
  if (!page) return bad_request(page.error());
  const auto gauges = call.query.flag("gauges");
  if (!gauges) return bad_request(gauges.error());
  const auto selection = select(call);
  if (!selection) return tl::unexpected<Problem>(selection.error());
  if (is_unchanged(call)) return Answer{304, {{"etag", etag()}}, {}};
  const auto& targets = selection->targets;
  auto at = targets.begin();
  if (!page->from.empty()) {
    at = std::find_if(targets.begin(), targets.end(), [&](const tree::TargetRef& target) {
      return target_less(page->from, target.path());
    });
  }
  if (*gauges) {
    GaugeAnswer answer(*page, false);
    for (; at != targets.end() && answer.has_room(); ++at) answer.add(gauge_item(json_, *at));
    if (at != targets.end()) answer.set_more();
    return gather(std::move(answer), call);
  }
  PageWriter writer(*page);
  while (at != targets.end() && writer.has_room()) {
    writer.add(boost::json::serialize(json_.target(*at)), at->path());
    ++at;
  }
  return facts_answer(writer.finish(at != targets.end()));
}

Reply Api::get_node(Call& call) {
  const std::string path = call.rest == "/" ? "" : call.rest;
  const auto* node = mirror_.find(path);
  if (node == nullptr) return nothing_matches(mirror_, "no such node", call.rest);
  if (is_unchanged(call)) return Answer{304, {{"etag", etag()}}, {}};
  const auto gauges = call.query.flag("gauges");
  if (!gauges) return bad_request(gauges.error());
  if (!*gauges) return facts_answer(boost::json::serialize(json_.node(*node)));
  GaugeAnswer answer({}, true);
  answer.add({json_.node(*node), node->path(), {}, true, {}});
  return gather(std::move(answer), call);
}

Reply Api::get_target(Call& call) {
  const auto [parent, name] = split_last(call.rest);
  const auto* node = mirror_.find(parent);
  if (node == nullptr) return nothing_matches(mirror_, "no such target", call.rest);
  if (!node->has_target(name)) return nothing_matches(mirror_, "no such target", call.rest);
  if (is_unchanged(call)) return Answer{304, {{"etag", etag()}}, {}};
  const tree::TargetRef target{node, std::string(name)};
  const auto gauges = call.query.flag("gauges");
  if (!gauges) return bad_request(gauges.error());
  if (!*gauges) return facts_answer(boost::json::serialize(json_.target(target)));
  GaugeAnswer answer({}, true);
  answer.add(gauge_item(json_, target));
  return gather(std::move(answer), call);
}

Reply Api::get_outages(Call& call) {
  const auto page = Page::read(call.query);
  if (!page) return bad_request(page.error());
  const auto outages = find_outages(mirror_);
  auto at = outages.begin();
  if (!page->from.empty()) {
    at = std::find_if(outages.begin(), outages.end(),
                      [&](const Outage& outage) { return outage.id == page->from; });
    if (at != outages.end()) ++at;
  }
  PageWriter writer(*page);
  while (at != outages.end() && writer.has_room()) {
    writer.add(boost::json::serialize(outage_json(*at)), at->id);
    ++at;
  }
  return facts_answer(writer.finish(at != outages.end()));
}

}  // namespace banyan::view
