// Probes, metrics and the files of the page.

#include <fmt/format.h>
#include <boost/json.hpp>

#include "common/base/digest.h"
#include "common/view/api.h"

namespace banyan::view {
namespace {

std::string label_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

class MetricsText {
 public:
  void begin(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    text += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", name, help, type);
  }
  void value(std::int64_t number) { text += fmt::format("{} {}\n", name_, number); }
  void value(std::string_view label, std::string_view word, std::int64_t number) {
    text += fmt::format("{}{{{}=\"{}\"}} {}\n", name_, label, label_text(word), number);
  }
  std::string text;

 private:
  std::string_view name_;
};

void add_store(MetricsText& metrics, const StoreCounters& store) {
  const auto add = [&](std::string_view name, std::string_view type, std::string_view help,
                       std::uint64_t number) {
    metrics.begin(name, type, help);
    metrics.value(static_cast<std::int64_t>(number));
  };
  add("banyan_store_rows_waiting", "gauge", "Rows given to the store and not yet in it.",
      store.waiting);
  add("banyan_store_failures_total", "counter", "Writes that failed; each is tried again.",
      store.failures);
  add("banyan_store_batches_deferred_total", "counter",
      "Batches of events left to their origins while the store was behind.", store.deferred);
  add("banyan_store_events_dropped_total", "counter",
      "Events of this node that were not stored, the store being behind.", store.dropped);
  add("banyan_store_commands_unaudited_total", "counter",
      "Commands sent though the store could not keep them.", store.unaudited);
  add("banyan_store_events_pruned_total", "counter", "Events beyond what is to be kept.",
      store.pruned);
}

}  // namespace

Reply Api::get_livez(Call&) { return text_answer("ok\n"); }

Reply Api::get_version(Call&) {
  const auto& top = options_.top;
  boost::json::object body;
  body["name"] = top.name;
  body["role"] = top.role;
  body["version"] = top.version;
  body["instance_id"] = top.instance;
  body["host"] = top.host;
  body["started"] = rfc3339(wall_from_ms(top.started_ms));
  return json_answer(boost::json::serialize(body));
}

Reply Api::get_metrics(Call&) {
  const tree::Counts counts = mirror_.top().below();
  MetricsText metrics;
  metrics.begin("banyan_build_info", "gauge", "What serves here; the value is always 1.");
  metrics.value("version", options_.top.version, 1);
  metrics.begin("banyan_nodes", "gauge", "Nodes below this one, by state.");
  for (std::size_t i = 0; i < tree::node_states; ++i) {
    metrics.value("state", tree::name_of(static_cast<tree::NodeState>(i)), counts.nodes[i]);
  }
  metrics.begin("banyan_targets", "gauge", "Targets, by state; presumed: not known at present.");
  for (std::size_t i = 1; i < tree::target_states; ++i) {
    metrics.value("state", tree::name_of(static_cast<v1::TargetState>(i)), counts.targets[i]);
  }
  metrics.value("state", "presumed", counts.presumed);
  metrics.begin("banyan_targets_as_wanted", "gauge", "Targets that are as they should be.");
  metrics.value(counts.as_wanted);
  metrics.begin("banyan_facts", "gauge", "Facts in the mirror.");
  metrics.value(static_cast<std::int64_t>(mirror_.fact_count()));
  metrics.begin("banyan_events_total", "counter", "Events stored since the start.");
  metrics.value(static_cast<std::int64_t>(events_.total()));
  metrics.begin("banyan_events_dropped_total", "counter", "Events that gave way to newer ones.");
  metrics.value(static_cast<std::int64_t>(events_.dropped()));
  metrics.begin("banyan_event_batches_deferred_total", "counter",
                "Batches of others left to their origins while the way up was too slow.");
  metrics.value(static_cast<std::int64_t>(events_deferred_));
  if (has_store_) add_store(metrics, store_);
  metrics.begin("banyan_http_requests_total", "counter", "Requests handled by the API.");
  metrics.value(static_cast<std::int64_t>(requests_));
  metrics.begin("banyan_stream_subscribers", "gauge", "Open event streams.");
  metrics.value(static_cast<std::int64_t>(hub_.subscribers()));
  metrics.begin("banyan_stream_hung_up_total", "counter", "Event streams ended as too slow.");
  metrics.value(static_cast<std::int64_t>(hub_.hung_up()));
  metrics.begin("banyan_log_streams", "gauge", "Log streams open in the tree for this API.");
  metrics.value(static_cast<std::int64_t>(numbers_.size()));
  return text_answer(std::move(metrics.text), "text/plain; version=0.0.4; charset=utf-8");
}

Reply Api::get_file(Call& call) {
  const std::string path = call.rest == "/" ? "/index.html" : call.rest;
  for (const auto& file : options_.files) {
    const bool rooted = file.path.starts_with('/');
    if ((rooted ? file.path : "/" + file.path) != path) continue;
    const Digest digest = fact_hash({}, 0, path, file.bytes);
    Answer answer = text_answer(file.bytes, file.type);
    answer.headers.emplace_back("etag", fmt::format("\"{:016x}\"", digest.low));
    for (const auto& [name, value] : call.request.headers) {
      if (name != "if-none-match" || value != answer.headers.back().second) continue;
      answer.status = 304;
      answer.body.clear();
    }
    return answer;
  }
  return refuse(404, {"no such file", path, {}, {}});
}

}  // namespace banyan::view
