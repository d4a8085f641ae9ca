#include "leaf/scaling.h"

#include <fmt/format.h>

namespace banyan::leaf {
namespace {

constexpr std::size_t max_failures_told = 3;

std::string count_text(const InstanceGroups::Change& change, unsigned wanted) {
  if (change.before == wanted) return fmt::format("{} instances already", wanted);
  auto text = fmt::format("{} -> {} instances", change.before, wanted);
  if (wanted == 0) text += fmt::format("; {} is kept, stopped", change.kept.at(0));
  return text;
}

}  // namespace

TargetRequest Scaling::ask(Running& running, RequestVerb verb, const std::string& target) {
  TargetRequest request;
  request.token = ++last_token_ | own_token;
  request.verb = verb;
  request.target = target;
  running.starts.emplace(request.token, target);
  return request;
}

std::vector<TargetRequest> Scaling::begin(const TargetRequest& request,
                                          const InstanceGroups::Change& change) {
  if (const auto older = running_.find(request.target); older != running_.end()) {
    supersede(older, fmt::format("superseded by scale to {}", request.instances));
  }
  Running& running = running_[request.target];
  running.token = request.token;
  running.text = count_text(change, request.instances);
  running.leaving.insert(change.removed.begin(), change.removed.end());
  std::vector<TargetRequest> asks;
  const bool wakes = change.before == 0 && request.instances > 0;
  const bool rests = change.before > 0 && request.instances == 0;
  if (wakes) asks.push_back(ask(running, RequestVerb::start, change.kept.at(0)));
  if (rests) asks.push_back(ask(running, RequestVerb::stop, change.kept.at(0)));
  for (const std::string& name : change.added) {
    asks.push_back(ask(running, RequestVerb::start, name));
  }
  settle(running_.find(request.target));
  return asks;
}

void Scaling::refuse(const TargetRequest& request, const std::string& why) {
  outcomes_.push_back(Outcome{request.token, OutcomeKind::rejected, why, 0, 0});
}

bool Scaling::on_outcome(const Outcome& outcome) {
  if ((outcome.token & own_token) == 0) return false;
  for (auto it = running_.begin(); it != running_.end(); ++it) {
    const auto start = it->second.starts.find(outcome.token);
    if (start == it->second.starts.end()) continue;
    if (outcome.kind != OutcomeKind::done) {
      it->second.failures.push_back(start->second + ": " + outcome.reason);
    }
    it->second.starts.erase(start);
    settle(it);
    break;
  }
  return true;
}

void Scaling::on_removed(const std::string& target) {
  for (auto it = running_.begin(); it != running_.end();) {
    const auto next = std::next(it);
    if (it->second.leaving.erase(target) > 0) settle(it);
    it = next;
  }
}

void Scaling::settle(Groups::iterator it) {
  Running& running = it->second;
  if (!running.starts.empty() || !running.leaving.empty()) return;
  Outcome outcome{running.token, OutcomeKind::done, running.text, 0, 0};
  if (!running.failures.empty()) outcome.kind = OutcomeKind::failed;
  for (std::size_t i = 0; i < running.failures.size() && i < max_failures_told; ++i) {
    outcome.reason += "; " + running.failures[i];
  }
  if (running.failures.size() > max_failures_told) {
    outcome.reason += fmt::format("; and {} more", running.failures.size() - max_failures_told);
  }
  outcomes_.push_back(std::move(outcome));
  running_.erase(it);
}

void Scaling::supersede(Groups::iterator it, const std::string& why) {
  outcomes_.push_back(Outcome{it->second.token, OutcomeKind::rejected, why, 0, 0});
  running_.erase(it);
}

void Scaling::supersede_all(const std::string& why) {
  while (!running_.empty()) supersede(running_.begin(), why);
}

}  // namespace banyan::leaf
