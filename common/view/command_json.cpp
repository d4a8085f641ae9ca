#include <array>

#include <boost/json.hpp>

#include "common/base/name.h"
#include "common/base/units.h"
#include "common/view/command_book.h"

namespace banyan::view {
namespace {

using boost::json::array;
using boost::json::object;
using boost::json::value;

constexpr std::array shown_outcomes = {v1::OUTCOME_KIND_DONE,     v1::OUTCOME_KIND_FAILED,
                                       v1::OUTCOME_KIND_REJECTED, v1::OUTCOME_KIND_UNREACHABLE,
                                       v1::OUTCOME_KIND_EXPIRED,  v1::OUTCOME_KIND_UNKNOWN};

std::int64_t count(const Command& command, v1::OutcomeKind kind) {
  std::int64_t sum = 0;
  for (const auto& target : command.targets) sum += target.outcome == kind ? 1 : 0;
  return sum;
}

object result_json(const CommandTarget& target) {
  const bool answered = target.outcome != v1::OUTCOME_KIND_UNSPECIFIED;
  object json;
  json["path"] = join_path(target.node, target.target);
  json["outcome"] = answered ? value(name_of(target.outcome)) : value(nullptr);
  json["reason"] = target.reason;
  json["generation"] = target.generation;
  json["pid"] = target.pid == 0 ? value(nullptr) : value(target.pid);
  if (target.in_doubt && !answered) json["in_doubt"] = true;
  if (target.late) json["late"] = true;
  return json;
}

}  // namespace

const char* name_of(v1::OutcomeKind kind) {
  switch (kind) {
    case v1::OUTCOME_KIND_DONE:
      return "done";
    case v1::OUTCOME_KIND_FAILED:
      return "failed";
    case v1::OUTCOME_KIND_REJECTED:
      return "rejected";
    case v1::OUTCOME_KIND_UNREACHABLE:
      return "unreachable";
    case v1::OUTCOME_KIND_EXPIRED:
      return "expired";
    case v1::OUTCOME_KIND_IN_DOUBT:
      return "in_doubt";
    default:
      return "unknown";
  }
}

std::string counts_text(const Command& command) {
  std::string text;
  for (const auto kind : shown_outcomes) {
    const auto number = count(command, kind);
    if (number == 0) continue;
    if (!text.empty()) text += ", ";
    text += std::to_string(number) + " " + name_of(kind);
  }
  return text;
}

std::string command_json(const Command& command) {
  object json;
  json["id"] = command.ask.id;
  json["verb"] = command.ask.verb;
  json["select"] = command.ask.select;
  object args;
  if (command.ask.signal != 0) args["signal"] = signal_name(command.ask.signal);
  if (command.ask.verb == "scale") args["instances"] = command.ask.instances;
  json["args"] = std::move(args);
  if (command.ask.rollout.max_parallel > 0) {
    json["max_parallel"] = command.ask.rollout.max_parallel;
    json["stop_after_failures"] = command.ask.rollout.stop_after;
  }
  json["state"] = command.finished() ? "finished" : "running";
  json["targets"] = command.targets.size();
  object counts;
  for (const auto kind : shown_outcomes) counts[name_of(kind)] = count(command, kind);
  json["counts"] = std::move(counts);
  array results;
  for (const auto& target : command.targets) results.push_back(result_json(target));
  json["results"] = std::move(results);
  json["issuer"] = command.ask.issuer;
  json["ttl_ms"] = command.ask.ttl_ms;
  json["created"] = rfc3339(command.created);
  json["ended"] = command.finished() ? value(rfc3339(command.ended)) : value(nullptr);
  return boost::json::serialize(json);
}

}  // namespace banyan::view
