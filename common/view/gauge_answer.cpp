#include "common/view/gauge_answer.h"

#include "common/tree/gauge_table.h"

namespace banyan::view {
namespace {

using boost::json::object;
using boost::json::value;

}  // namespace

void GaugeAnswer::add(Item item) {
  targets_ = targets_ || !item.target.empty();
  items_.push_back(std::move(item));
}

std::vector<v1::GaugeAsk> GaugeAnswer::asks(std::uint64_t& last_number) {
  std::set<std::string> paths;
  for (const Item& item : items_) {
    if (item.ask) paths.insert(item.node);
  }
  std::vector<v1::GaugeAsk> asks;
  for (const std::string& path : paths) {
    const auto full = static_cast<int>(tree::GaugeTable::paths_per_ask);
    if (asks.empty() || asks.back().paths_size() >= full) {
      v1::GaugeAsk& ask = asks.emplace_back();
      ask.set_ask(++last_number);
      ask.set_wait_ms(static_cast<std::uint32_t>(wait / milliseconds{1}));
      ask.set_targets(targets_);
      open_.insert(ask.ask());
    }
    asks.back().add_paths(path);
  }
  return asks;
}

void GaugeAnswer::on_gauges(const v1::GaugeAnswer& answer) {
  if (!open_.contains(answer.ask())) return;
  for (const v1::NodeGauges& node : answer.nodes()) {
    for (const v1::TargetGauges& target : node.targets()) {
      of_targets_[{node.path(), target.name()}] = target;
    }
    v1::NodeGauges& held = nodes_[node.path()];
    held = node;
    held.clear_targets();
  }
  for (const v1::GaugeGap& gap : answer.missing()) missing_[gap.path()] = gap.reason();
  if (!answer.more()) open_.erase(answer.ask());
}

void GaugeAnswer::fill_node(object& json, const v1::NodeGauges* gauges) const {
  json["load"] = nullptr;
  json["rtt_ms"] = nullptr;
  if (gauges == nullptr) return;
  json["load"] = object{{"load1", gauges->load_1m()},
                        {"load5", gauges->load_5m()},
                        {"load15", gauges->load_15m()},
                        {"cpus", gauges->cpus()}};
  if (gauges->rtt_ms() > 0) json["rtt_ms"] = gauges->rtt_ms();
}

void GaugeAnswer::fill_target(object& json, const v1::TargetGauges* gauges) const {
  for (const char* name : {"cpu", "rss_bytes", "open_fds", "processes", "uptime_s"}) {
    json[name] = nullptr;
  }
  if (gauges == nullptr) return;
  json["cpu"] = gauges->cpu();
  json["rss_bytes"] = gauges->rss_bytes();
  json["open_fds"] = gauges->open_fds();
  json["processes"] = gauges->processes();
  json["uptime_s"] = static_cast<double>(gauges->uptime_ms()) / 1000;
}

void GaugeAnswer::fill(Item& item) const {
  if (item.target.empty()) {
    const auto node = nodes_.find(item.node);
    fill_node(item.json, node == nodes_.end() ? nullptr : &node->second);
  } else {
    const auto target = of_targets_.find({item.node, item.target});
    fill_target(item.json, target == of_targets_.end() ? nullptr : &target->second);
  }
  const auto gap = missing_.find(item.node);
  const bool missing = item.ask && gap != missing_.end();
  item.json["gauges_missing"] = missing ? value(gap->second) : value(nullptr);
}

std::string GaugeAnswer::body() {
  for (Item& item : items_) fill(item);
  if (single_) return boost::json::serialize(items_.at(0).json);
  PageWriter writer(page_);
  for (Item& item : items_) {
    writer.add(boost::json::serialize(item.json), std::move(item.token));
  }
  return writer.finish(more_);
}

}  // namespace banyan::view
