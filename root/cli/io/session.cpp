#include "root/cli/io/session.h"

#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>

#include "common/base/units.h"
#include "root/cli/json_view.h"
#include "root/cli/when.h"

namespace banyan::cli {

namespace {

namespace fs = std::filesystem;

// Where daemons of this host keep their state; see `state_dir` in the configuration.
std::vector<fs::path> state_folders() {
  std::vector<fs::path> folders{"/var/lib/banyan"};
  const char* state_home = std::getenv("XDG_STATE_HOME");
  const char* home = std::getenv("HOME");
  if (state_home != nullptr && *state_home != '\0') {
    folders.push_back(fs::path(state_home) / "banyan");
  } else if (home != nullptr) {
    folders.push_back(fs::path(home) / ".local/state/banyan");
  }
  return folders;
}

std::vector<std::string> local_sockets() {
  std::vector<std::string> sockets;
  for (const fs::path& folder : state_folders()) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
      const fs::path socket = entry.path() / "http.sock";
      if (fs::is_socket(socket, error)) sockets.push_back(socket.string());
    }
  }
  return sockets;
}

Address local_address(const std::string& socket) {
  return {"http://localhost", socket, "unix://" + socket};
}

// How many nodes there are below the one that answered so.
std::int64_t nodes_of(const std::string& status) {
  const auto parsed = parse_json(status);
  return parsed ? integer_at(object_at(*parsed, "nodes"), "total") : 0;
}

}  // namespace

// Of the nodes of this host, the one that sees most.
bool Api::fall_back() {
  if (!may_fall_back_) return false;
  may_fall_back_ = false;
  const Address before = client_.address();
  std::int64_t widest = -1;
  std::string best;
  for (const std::string& socket : local_sockets()) {
    client_.set_address(local_address(socket));
    HttpRequest probe;
    probe.path = "/api/v1/status";
    probe.timeout = seconds{2};
    const HttpAnswer answer = client_.fetch(probe);
    if (answer.trouble != Trouble::none) continue;
    const std::int64_t below = nodes_of(answer.body);
    if (below <= widest) continue;
    widest = below;
    best = socket;
  }
  client_.set_address(best.empty() ? before : local_address(best));
  if (!best.empty() && told_) told_(best);
  return !best.empty();
}

HttpAnswer Api::send(HttpRequest request) {
  if (request.timeout.count() == 0) request.timeout = timeout_;
  HttpAnswer answer = client_.fetch(request);
  if (answer.trouble == Trouble::unreachable && fall_back()) return client_.fetch(request);
  return answer;
}

HttpAnswer Api::stream(const HttpRequest& request, const StreamHandlers& handlers) {
  return client_.stream(request, handlers);
}

Failure Api::failure_of(const HttpAnswer& answer) const {
  switch (answer.trouble) {
    case Trouble::none:
      return failure_of_answer(answer.status, answer.body, asked_);
    case Trouble::interrupted:
      return {exit_interrupted, "interrupted", {}};
    case Trouble::stopped:
      return {exit_ok, "", {}};
    case Trouble::unreachable:
      return unreachable(shown_url(), answer.why, asked_);
    case Trouble::timed_out:
      return {exit_unreachable,
              "the root at " + shown_url() + " gave no answer in time",
              {{"wait longer", "--timeout 60s"}}};
    case Trouble::broken:
    case Trouble::too_big:
      return {exit_unreachable, "the answer of " + shown_url() + " broke off: " + answer.why, {}};
  }
  return {};
}

Outcome<json::value> Api::get(std::string_view path, const Query& query) {
  HttpRequest request;
  request.path = with_query(path, query);
  const HttpAnswer answer = send(request);
  if (!answer.ok()) return tl::unexpected(failure_of(answer));
  auto value = parse_json(answer.body);
  if (value) return *std::move(value);
  Failure failure{exit_failed, "what answers at " + shown_url() + " is no banyan: not JSON", {}};
  return tl::unexpected(failure);
}

Outcome<json::array> Api::list(std::string_view path, Query query, std::size_t most) {
  constexpr std::size_t page = 10000;
  query.emplace_back("limit", std::to_string(most == 0 ? page : std::min(most, page)));
  query.emplace_back("continue", "");
  json::array items;
  for (;;) {
    auto answer = get(path, query);
    if (!answer) return tl::unexpected(answer.error());
    for (const json::value& item : array_at(*answer, "items")) {
      if (most == 0 || items.size() < most) items.push_back(item);
    }
    const std::string next = text_at(*answer, "continue");
    const bool full = most != 0 && items.size() >= most;
    if (full || next.empty() || next == "0" || next == query.back().second) return items;
    query.back().second = next;
  }
}

// Lists of nothing say nothing; a single thing that is not there says what is near.
Failure Api::why_nothing() {
  const bool one = asked_.select.find_first_of("*, @") == std::string::npos;
  if (!one) return nothing_matched(asked_);
  HttpRequest request;
  request.path = "/api/v1/nodes/" + percent_encode(asked_.select, "/");
  const HttpAnswer answer = send(request);
  if (answer.status == 404) return failure_of_answer(404, answer.body, asked_);
  Failure failure = nothing_matched(asked_);
  if (!answer.ok()) return failure;
  failure.message = asked_.select + " has no targets of its own";
  failure.steps = {{"those below it", "banyan " + asked_.verb + " '" + asked_.select + "/**'"}};
  return failure;
}

Failure Api::why_no_targets(const Failure& refused) {
  const bool ambiguous = refused.message.find("not unique") != std::string::npos;
  if (refused.code != exit_no_match || ambiguous) return refused;
  const bool one = asked_.select.find_first_of("*, @/") == std::string::npos;
  if (!one) return refused;
  const auto nodes = list("/api/v1/nodes", {{"select", asked_.select}});
  if (!nodes || nodes->size() != 1) return refused;
  const std::string path = text_at(nodes->front(), "path");
  Failure failure{exit_no_match, path + " has no targets of its own", {}};
  failure.steps = {{"those below it", "banyan " + asked_.verb + " '" + path + "/**'"}};
  return failure;
}

Outcome<Selected> select_both(Session& session, const std::string& select, bool gauges) {
  if (select == "/") {
    auto top = session.api.get("/api/v1/nodes/%2F", {{"gauges", gauges ? "1" : ""}});
    if (!top) return tl::unexpected(top.error());
    return Selected{{*std::move(top)}, {}};
  }
  const Query query{{"select", select}, {"gauges", gauges ? "1" : ""}};
  auto nodes = session.api.list("/api/v1/nodes", query);
  if (!nodes && nodes.error().code != exit_no_match) return tl::unexpected(nodes.error());
  auto targets = session.api.list("/api/v1/targets", query);
  if (!targets && targets.error().code != exit_no_match) return tl::unexpected(targets.error());
  Selected selected;
  if (nodes) selected.nodes = *std::move(nodes);
  if (targets) selected.targets = *std::move(targets);
  if (!selected.nodes.empty() || !selected.targets.empty()) return selected;
  if (!targets) return tl::unexpected(targets.error());
  if (!nodes) return tl::unexpected(nodes.error());
  return tl::unexpected(session.api.why_nothing());
}

Outcome<std::string> time_parameter(const std::string& text, const char* option) {
  if (text.empty() || parse_rfc3339(text)) return text;
  if (const auto ago = parse_duration(text)) {
    return rfc3339(wall_time() - std::chrono::duration_cast<milliseconds>(*ago));
  }
  Failure failure{exit_usage, std::string(option) + " \"" + text + "\": not a time", {}};
  failure.steps.emplace_back("write", "10m, 2h or 2026-03-01T12:00:00Z");
  return tl::unexpected(failure);
}

Outcome<std::optional<std::size_t>> count_parameter(const std::string& text, const char* option) {
  if (text.empty()) return std::nullopt;
  const bool digits = text.size() <= 9 && text.find_first_not_of("0123456789") == text.npos;
  if (digits) return std::strtoull(text.c_str(), nullptr, 10);
  Failure failure{exit_usage, fmt::format("{} \"{}\": not a number of lines", option, text), {}};
  return tl::unexpected(failure);
}

std::string as_json(const json::value& value, const View& view) {
  return view.style.terminal ? pretty(value) : json::serialize(value) + "\n";
}

std::string as_ndjson(const json::array& items) {
  std::string out;
  for (const json::value& item : items) out += json::serialize(item) + "\n";
  return out;
}

}  // namespace banyan::cli
