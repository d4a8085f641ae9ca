#include "root/cli/facts.h"

#include <optional>
#include <utility>

#include <fmt/format.h>

#include "root/cli/when.h"
#include "root/cli/words.h"

namespace banyan::cli {

namespace {

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  for (const std::string_view known : words) {
    if (word == known) return true;
  }
  return false;
}

}  // namespace

Shown shown_state(const json::value& item) {
  const std::string state = text_at(item, "state"), health = text_at(item, "health");
  if (state == "unreachable") return {mark_of_state(state), state};
  if (flag_at(item, "presumed")) return {mark_of_state(state, true), spoken(state) + "?"};
  if (state == "running" && flag_at(item, "grey")) return {mark_of_state("grey"), "grey"};
  if (state == "running" && is_one_of(health, {"degraded", "unhealthy"})) {
    return {mark_of_health(health), health};
  }
  return {mark_of_state(state), state.empty() ? "unknown" : spoken(state)};
}

bool is_quiet(const json::value& item) {
  const std::string state = text_at(item, "state"), health = text_at(item, "health");
  if (flag_at(item, "presumed") || is_one_of(health, {"degraded", "unhealthy"})) return false;
  return is_one_of(state, {"up", "running", "stopped", "exited", ""});
}

int rank_of(const json::value& item) {
  const std::string state = text_at(item, "state"), health = text_at(item, "health");
  if (flag_at(item, "presumed") || state == "unreachable") return 7;
  if (is_one_of(state, {"lost", "failed"})) return 0;
  if (state == "backing_off") return 1;
  if (health == "unhealthy") return 2;
  if (state == "suspect") return 3;
  if (health == "degraded") return 4;
  if (is_one_of(state, {"starting", "pending", "stopping"})) return 5;
  if (state == "stopped") return 6;
  if (state == "left") return 8;
  return 9;
}

std::string exit_text(const json::value& last_exit) {
  const std::string signal = text_at(last_exit, "signal");
  if (!signal.empty() && signal != "0") return "signal " + signal;
  const std::string code = text_at(last_exit, "code");
  return code.empty() ? "" : "exit " + code;
}

std::string evidence_text(const json::value& evidence) {
  if (!evidence.is_object()) return text_of(evidence);
  for (const char* key : {"text", "detail", "reason", "what", "why", "kind"}) {
    const std::string found = text_at(evidence, key);
    if (!found.empty()) return found;
  }
  return visible(json::serialize(evidence));
}

// A line of a chain is "TIME STATE: reason". The time, and the rest; no time when it has none.
std::pair<std::optional<WallTime>, std::string> split_stamp(const std::string& line) {
  const auto space = line.find(' ');
  if (space == std::string::npos) return {std::nullopt, line};
  const auto time = parse_rfc3339(line.substr(0, space));
  return {time, time ? line.substr(space + 1) : line};
}

// Beside the state only the reason is of use.
std::string newest_reason(const std::string& line) {
  const auto [time, text] = split_stamp(line);
  const auto colon = text.find(": ");
  return time && colon != std::string::npos ? text.substr(colon + 2) : text;
}

std::string evidence_line(const json::value& evidence, const View& view) {
  const auto [time, text] = split_stamp(evidence_text(evidence));
  return time ? clock_text(*time, view.utc_offset) + " " + text : text;
}

std::string reason_of(const json::value& item) {
  if (text_at(item, "state") == "unreachable") return {};  // its evidence is of the past
  for (const char* key : {"reason", "detail", "error"}) {
    const std::string found = text_at(item, key);
    if (!found.empty()) return found;
  }
  const json::array& evidence = array_at(item, "evidence");
  if (!evidence.empty()) return newest_reason(evidence_text(evidence.back()));
  const std::string state = text_at(item, "state");
  if (!is_one_of(state, {"backing_off", "failed", "exited"})) return {};
  std::string out = exit_text(object_at(item, "last_exit"));
  const std::int64_t restarts = integer_at(item, "restarts");
  if (restarts > 0) out += (out.empty() ? "" : ", ") + count_of(restarts, "restart");
  return out;
}

std::string labels_text(const json::value& item) {
  const json::value& labels = object_at(item, "labels");
  std::string out;
  for (const auto& [key, value] : labels.get_object()) {
    out += fmt::format("{}{}={}", out.empty() ? "" : " ", visible({key.data(), key.size()}),
                       text_of(value));
  }
  return out;
}

TargetCounts target_counts(const json::value& targets) {
  TargetCounts counts;
  counts.presumed = integer_at(targets, "presumed");
  if (member(targets, "as_wanted") != nullptr) {
    counts.wanted = integer_at(targets, "as_wanted");
  } else {
    for (const char* key : {"running", "stopped", "exited"}) {
      counts.wanted += integer_at(targets, key);
    }
  }
  if (member(targets, "total") != nullptr) {
    counts.total = integer_at(targets, "total");
    return counts;
  }
  for (const char* key : {"running", "starting", "pending", "stopping", "stopped", "backing_off",
                          "exited", "failed", "presumed"}) {
    counts.total += integer_at(targets, key);
  }
  return counts;
}

}  // namespace banyan::cli
