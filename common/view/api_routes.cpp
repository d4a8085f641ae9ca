// The one routing table, and the description that is made from it.

#include <boost/json.hpp>

#include "common/view/api.h"

namespace banyan::view {
namespace {

using boost::json::array;
using boost::json::object;

object parameter_json(std::string_view name, std::string_view place) {
  return object{{"name", name},
                {"in", place},
                {"required", place == "path"},
                {"schema", object{{"type", "string"}}}};
}

object operation_json(const Api::Route& route) {
  array parameters;
  const auto brace = route.pattern.find('{');
  if (brace != std::string_view::npos) {
    const auto name = route.pattern.substr(brace + 1, route.pattern.size() - brace - 2);
    parameters.push_back(parameter_json(name, "path"));
  }
  for (const auto& name : split_words(route.parameters, ' ')) {
    parameters.push_back(parameter_json(name, "query"));
  }
  return object{{"summary", route.summary},
                {"parameters", std::move(parameters)},
                {"responses", object{{"default", object{{"description", route.summary}}}}}};
}

std::string lower(std::string_view text) {
  std::string out;
  for (const char c : text) out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

}  // namespace

const std::vector<Api::Route>& Api::routes() {
  static const std::vector<Route> table = {
      {"GET", "/livez", "", &Api::get_livez, "the process runs"},
      {"GET", "/readyz", "", &Api::get_livez, "requests are served"},
      {"GET", "/version", "", &Api::get_version, "what serves here"},
      {"GET", "/metrics", "", &Api::get_metrics, "Prometheus text"},
      {"GET", "/openapi.json", "", &Api::get_openapi, "this description"},
      {"GET", "/api/v1/status", "", &Api::get_status, "counts and open outages"},
      {"GET", "/api/v1/tree", "select depth", &Api::get_tree, "the nested tree"},
      {"GET", "/api/v1/nodes", "select state limit continue gauges", &Api::get_nodes, "nodes"},
      {"GET", "/api/v1/nodes/{path}", "gauges", &Api::get_node, "one node"},
      {"GET", "/api/v1/ping/{path}", "", &Api::get_ping, "the round trip of every hop to a node"},
      {"GET", "/api/v1/targets", "select state limit continue gauges", &Api::get_targets,
       "targets"},
      {"GET", "/api/v1/targets/{path}", "gauges", &Api::get_target, "one target"},
      {"GET", "/api/v1/logs",
       "select tail since until offset grep level stream previous follow format", &Api::get_logs,
       "log lines"},
      {"GET", "/api/v1/commands", "limit continue", &Api::get_commands, "commands, newest first"},
      {"POST", "/api/v1/commands", "wait", &Api::post_command, "act on targets"},
      {"GET", "/api/v1/commands/{id}", "wait", &Api::get_command, "one command"},
      {"DELETE", "/api/v1/commands/{id}", "", &Api::delete_command, "cancel what is not sent"},
      {"GET", "/api/v1/events", "since after select kind limit continue", &Api::get_events,
       "events, newest first"},
      {"GET", "/api/v1/stream", "topics select snapshot", &Api::get_stream,
       "changes as server-sent events"},
      {"GET", "/api/v1/outages", "limit continue", &Api::get_outages, "open outages"},
  };
  return table;
}

Reply Api::get_openapi(Call&) {
  object paths;
  for (const auto& route : routes()) {
    if (!paths.contains(route.pattern)) paths[route.pattern] = object();
    paths[route.pattern].as_object()[lower(route.method)] = operation_json(route);
  }
  const object body{
      {"openapi", "3.1.0"},
      {"info", object{{"title", "banyan"}, {"version", options_.top.version}}},
      {"paths", std::move(paths)},
  };
  return json_answer(boost::json::serialize(body));
}

}  // namespace banyan::view
