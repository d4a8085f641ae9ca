#pragma once
// A small tree told by hand, and an Api over it that is asked as over HTTP.

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <boost/json.hpp>

#include "common/base/check.h"
#include "common/base/name.h"
#include "common/view/api.h"

namespace banyan::view {

struct ToldTarget {
  v1::TargetState state = v1::TARGET_STATE_RUNNING;
  bool wanted = true;
  std::uint64_t generation = 1;
  std::uint64_t restarts = 0;
  std::string error;
  std::map<std::string, std::string> labels;
  int exit_code = -1;  // -1 = it never exited
  int exit_signal = 0;
  std::uint32_t bufsize = 0;
};

// A mirror with the words of a test.
class ToldTree {
 public:
  static constexpr std::int64_t since_ms = 1'700'000'000'000;

  tree::Mirror mirror;
  tree::Changes changes;  // since they were taken last

  void node(const std::string& path, const std::string& role = "leaf",
            const std::map<std::string, std::string>& labels = {}) {
    v1::NodeFact fact;
    fact.set_role(role);
    fact.set_name(std::string(split_last(path).second));
    fact.set_instance(instance(path));
    fact.set_version("1.0");
    fact.set_host("host-of-" + fact.name());
    for (const auto& [key, value] : labels) (*fact.mutable_labels())[key] = value;
    set({path, v1::FACT_KIND_NODE, ""}, fact);
    if (!path.empty()) link(path, v1::LINK_STATE_UP);
  }
  void link(const std::string& path, v1::LinkState state, const std::string& evidence = "") {
    const auto [parent, name] = split_last(path);
    v1::LinkFact fact;
    fact.set_state(state);
    fact.set_since_ms(since_ms);
    fact.set_instance(instance(path));
    if (!evidence.empty()) fact.add_evidence(evidence);
    set({std::string(parent), v1::FACT_KIND_LINK, std::string(name)}, fact);
  }
  void target(const std::string& path, const ToldTarget& told = {}) {
    const auto [node, name] = split_last(path);
    v1::TargetFact fact;
    fact.set_state(told.state);
    fact.set_since_ms(since_ms);
    fact.set_generation(told.generation);
    fact.set_restarts(told.restarts);
    fact.set_wanted(told.wanted);
    fact.set_error(told.error);
    fact.set_bufsize(told.bufsize);
    if (told.state == v1::TARGET_STATE_RUNNING) fact.set_pid(4711);
    for (const auto& [key, value] : told.labels) (*fact.mutable_labels())[key] = value;
    if (told.exit_code >= 0) {
      fact.mutable_last_exit()->set_code(told.exit_code);
      fact.mutable_last_exit()->set_signal(told.exit_signal);
      fact.mutable_last_exit()->set_at_ms(since_ms);
    }
    set({std::string(node), v1::FACT_KIND_TARGET, std::string(name)}, fact);
  }
  void remove_target(const std::string& path) {
    const auto [node, name] = split_last(path);
    mirror.remove({std::string(node), v1::FACT_KIND_TARGET, std::string(name)}, changes);
  }
  static std::string instance(const std::string& path) { return "instance-of-" + path; }

  // dc1 (relay) with web-1 (api, db) and web-2 (api); dc2 (relay) with cache-1 (redis.1, redis.2).
  static ToldTree usual() {
    ToldTree tree;
    tree.node("dc1", "relay");
    tree.node("dc1/web-1", "leaf", {{"env", "prod"}, {"tier", "front"}});
    tree.node("dc1/web-2", "leaf", {{"env", "test"}});
    tree.node("dc2", "relay");
    tree.node("dc2/cache-1", "leaf", {{"env", "prod"}});
    for (const char* path : {"dc1/web-1/api", "dc1/web-1/db", "dc1/web-2/api",
                             "dc2/cache-1/redis.1", "dc2/cache-1/redis.2"}) {
      tree.target(path);
    }
    return tree;
  }

 private:
  template <class Fact>
  void set(const tree::FactKey& key, const Fact& fact) {
    const auto status = mirror.set(key, instance(key.path), tree::fact_bytes(fact), changes);
    CHECK(status.has_value());
  }
};

// Everything that came of asking, in order.
class AskedApi {
 public:
  explicit AskedApi(ToldTree told_tree = ToldTree::usual(), ApiOptions options = usual_options())
      : tree(std::move(told_tree)), api(tree.mirror, std::move(options)) {
    tree.changes.clear();
  }

  static ApiOptions usual_options() {
    ApiOptions options;
    options.top = {"root", "root", "9.9", "0123", "here", start_ms};
    options.files = {{"index.html", "text/html", "<p>hello"}};
    return options;
  }
  static constexpr std::int64_t start_ms = 1'000'000;

  ToldTree tree;
  Api api;
  Now now{Time{seconds{100}}, wall_from_ms(1'700'000'100'000)};
  ApiEffects effects;  // of the last call

  tree::ExchangeId ask(const std::string& method, const std::string& target,
                       const std::string& body = "", tree::HttpHeaders headers = {}) {
    effects = {};
    tree::HttpRequest request{++last_exchange,    method, target,
                              std::move(headers), body,   "127.0.0.1:5"};
    api.handle(request, now, effects);
    return last_exchange;
  }
  // The whole answer to a request that is answered at once.
  tree::HttpRespond get(const std::string& target, tree::HttpHeaders headers = {}) {
    ask("GET", target, "", std::move(headers));
    return answer();
  }
  boost::json::value json(const std::string& target) {
    return boost::json::parse(get(target).body);
  }
  tree::HttpRespond answer() const {
    for (const auto& effect : effects.http) {
      if (const auto* respond = std::get_if<tree::HttpRespond>(&effect)) return *respond;
    }
    return {0, 0, {}, "no answer"};
  }
  // The bytes that the last call streamed to one exchange.
  std::string streamed(tree::ExchangeId exchange) const {
    std::string bytes;
    for (const auto& effect : effects.http) {
      const auto* chunk = std::get_if<tree::HttpChunk>(&effect);
      if (chunk != nullptr && chunk->exchange == exchange) bytes += chunk->bytes;
    }
    return bytes;
  }
  bool ended(tree::ExchangeId exchange) const {
    for (const auto& effect : effects.http) {
      const auto* end = std::get_if<tree::HttpEnd>(&effect);
      if (end != nullptr && end->exchange == exchange) return true;
    }
    return false;
  }
  // Tells the Api what was changed in the tree.
  void tell() {
    effects = {};
    api.on_changes(std::exchange(tree.changes, {}), now, effects);
  }
  void pass(Duration time) {
    effects = {};
    now.time += time;
    now.wall += std::chrono::duration_cast<milliseconds>(time);
    api.on_time(now, effects);
  }
  void close(tree::ExchangeId exchange) {
    effects = {};
    api.handle(tree::HttpClosed{exchange}, now, effects);
  }
  void drain(tree::ExchangeId exchange) {
    effects = {};
    api.handle(tree::HttpDrained{exchange}, now, effects);
  }

  tree::ExchangeId last_exchange = 0;
};

inline std::vector<std::string> strings(const boost::json::value& items, const char* member) {
  std::vector<std::string> list;
  for (const auto& item : items.as_array()) list.emplace_back(item.at(member).as_string());
  return list;
}

}  // namespace banyan::view
