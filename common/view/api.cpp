#include "common/view/api.h"

#include <algorithm>

#include "common/base/text.h"

namespace banyan::view {
namespace {

// The part of the path that the pattern's {..} stands for; nothing when the path does not fit.
std::optional<std::string> fit(std::string_view pattern, std::string_view path) {
  const auto brace = pattern.find('{');
  if (brace == std::string_view::npos) {
    return pattern == path ? std::optional<std::string>("") : std::nullopt;
  }
  const auto head = pattern.substr(0, brace);
  if (!path.starts_with(head)) return std::nullopt;
  const auto rest = path.substr(head.size());
  const bool one_name = pattern.substr(brace) != "{path}";
  if (one_name && (rest.empty() || rest.find('/') != std::string_view::npos)) return std::nullopt;
  return std::string(rest);
}

std::string nearest_route(std::string_view path) {
  std::vector<std::string> known;
  for (const auto& route : Api::routes()) {
    if (route.pattern.find('{') == std::string_view::npos) known.emplace_back(route.pattern);
  }
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  const auto near = did_you_mean(path, known);
  return near ? "did you mean " + *near + "?" : "GET /openapi.json lists all routes";
}

}  // namespace

ApiOptions api_options(const std::string& name, const tree::Identity& identity,
                       std::vector<StaticFile> files) {
  ApiOptions options;
  options.top.name = name;
  options.top.role = identity.role;
  options.top.host = identity.host;
  options.top.version = identity.version;
  options.top.instance = identity.instance;
  options.top.started_ms = identity.boot.start_ms();
  options.seed = identity.boot.random();
  options.epoch =
      std::max(identity.attach_base, static_cast<std::uint64_t>(options.top.started_ms));
  options.files = std::move(files);
  return options;
}

Api::Api(const tree::Mirror& mirror, ApiOptions options)
    : mirror_(mirror),
      options_(std::move(options)),
      health_(mirror),
      json_(options_.top, health_),
      events_(options_.top.instance, options_.events),
      commands_(options_.seed, options_.epoch),
      hub_(mirror, static_cast<std::uint64_t>(options_.top.started_ms)) {}

void Api::handle(const tree::HttpEvent& event, Now now, ApiEffects& effects) {
  if (const auto* closed = std::get_if<tree::HttpClosed>(&event)) {
    return on_closed(closed->exchange, now, effects);
  }
  if (const auto* drained = std::get_if<tree::HttpDrained>(&event)) {
    hub_.on_drained(drained->exchange);
    const auto it = logs_.find(drained->exchange);
    if (it != logs_.end()) it->second.on_drained(now, effects);
    drop_done_logs();
    return;
  }
  const auto& request = std::get<tree::HttpRequest>(event);
  ++requests_;
  auto parts = parse_request_target(request.target);
  if (!parts) return respond(request, bad_request(std::move(parts.error())), effects);
  Call call{request, std::move(parts->query), {}, now, effects};
  respond(request, dispatch(call, parts->path), effects);
}

Reply Api::dispatch(Call& call, std::string_view path) {
  std::string_view method = call.request.method;
  if (method == "HEAD") method = "GET";
  std::string allowed;
  for (const auto& route : routes()) {
    auto rest = fit(route.pattern, path);
    if (!rest) continue;
    const bool streams = route.handler == &Api::get_stream || route.handler == &Api::get_logs;
    if (route.method != method || (streams && method != call.request.method)) {
      allowed += (allowed.empty() ? "" : ", ") + std::string(route.method);
      continue;
    }
    if (auto known = call.query.check_known(route.parameters); !known) {
      return bad_request(std::move(known.error()));
    }
    call.rest = std::move(*rest);
    return (this->*route.handler)(call);
  }
  if (!allowed.empty()) {
    Problem problem{405, {"method not allowed", visible(call.request.method), {}, {}}, {}, {}};
    problem.error.hint = "this address takes " + allowed;
    problem.headers.emplace_back("allow", allowed);
    return tl::unexpected<Problem>(std::move(problem));
  }
  call.rest = path;
  if (method == "GET") {
    if (auto file = get_file(call)) return file;
  }
  return refuse(404, {"no such address", visible(path), {}, nearest_route(path)});
}

void Api::respond(const tree::HttpRequest& request, Reply reply, ApiEffects& effects) {
  if (reply && !*reply) return;  // streamed, or later
  Answer answer = reply ? std::move(**reply) : problem_answer(reply.error());
  if (request.method == "HEAD") answer.body.clear();
  effects.answer(tree::HttpRespond{request.exchange, answer.status, std::move(answer.headers),
                                   std::move(answer.body)});
}

void Api::on_closed(tree::ExchangeId exchange, Now now, ApiEffects& effects) {
  hub_.on_closed(exchange, now);
  waiting_.erase(exchange);
  drop_gathering(exchange);
  std::erase_if(pings_, [exchange](const auto& each) { return each.second.exchange == exchange; });
  std::erase_if(reads_, [&](const auto& read) { return read.second.exchange == exchange; });
  const auto it = logs_.find(exchange);
  if (it == logs_.end()) return;
  it->second.on_client_gone(effects);
  logs_.erase(it);
}

void Api::on_time(Now now, ApiEffects& effects) {
  finish_commands(commands_.on_time(now), now, effects);
  roll_commands(now, effects);
  for (auto& ask : commands_.doubts(mirror_, now)) effects.asks.push_back(std::move(ask));
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    const auto [exchange, waiting] = *it;
    if (waiting.until > now.time) {
      ++it;
      continue;
    }
    it = waiting_.erase(it);
    Answer answer = json_answer(command_json(*commands_.find(waiting.command)), waiting.status);
    effects.answer(tree::HttpRespond{exchange, answer.status, std::move(answer.headers),
                                     std::move(answer.body)});
  }
  for (auto& [exchange, answer] : logs_) {
    if (answer.next_deadline() <= now.time) answer.on_time(now, effects);
  }
  drop_done_logs();
  expire_pings(now, effects);
  hub_.on_time(now, effects);
  if (settle_at_ <= now.time) publish_settled(now, effects);
}

Time Api::next_deadline() const {
  Time next = std::min({commands_.next_deadline(), hub_.next_deadline(), settle_at_});
  if (!pings_.empty()) next = std::min(next, pings_.begin()->second.until);
  for (const auto& [exchange, waiting] : waiting_) next = std::min(next, waiting.until);
  for (const auto& [exchange, answer] : logs_) next = std::min(next, answer.next_deadline());
  return next;
}

}  // namespace banyan::view
