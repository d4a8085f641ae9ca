#include "leaf/target_request.h"

#include <algorithm>

#include "common/base/check.h"

namespace banyan::leaf {

std::string_view verb_name(RequestVerb verb) {
  switch (verb) {
    case RequestVerb::start:
      return "start";
    case RequestVerb::stop:
      return "stop";
    case RequestVerb::restart:
      return "restart";
    case RequestVerb::signal:
      return "signal";
    case RequestVerb::scale:
      return "scale";
  }
  return "unknown";
}

std::string_view outcome_name(OutcomeKind kind) {
  switch (kind) {
    case OutcomeKind::done:
      return "done";
    case OutcomeKind::failed:
      return "failed";
    case OutcomeKind::rejected:
      return "rejected";
  }
  return "unknown";
}

void WaitingRequests::add(const TargetRequest& request, std::uint64_t generation) {
  CHECK(!full());
  list_.push_back(Waiting{request.token, request.verb, generation});
}

template <class Predicate>
void WaitingRequests::settle(Predicate which, const Answer& answer,
                             std::vector<Outcome>& outcomes) {
  const auto keep = std::stable_partition(list_.begin(), list_.end(), which);
  for (auto waiting = list_.begin(); waiting != keep; ++waiting) {
    outcomes.push_back(
        Outcome{waiting->token, answer.kind, answer.reason, answer.generation, answer.pid});
  }
  list_.erase(list_.begin(), keep);
}

void WaitingRequests::settle_running(const Answer& answer, std::vector<Outcome>& outcomes) {
  settle(
      [&](const Waiting& waiting) {
        if (waiting.verb == RequestVerb::restart) return waiting.generation < answer.generation;
        return waiting.verb == RequestVerb::start;
      },
      answer, outcomes);
}

void WaitingRequests::settle_stopped(const Answer& answer, std::vector<Outcome>& outcomes) {
  settle([](const Waiting& waiting) { return waiting.verb == RequestVerb::stop; }, answer,
         outcomes);
}

void WaitingRequests::settle_all(const Answer& answer, std::vector<Outcome>& outcomes) {
  settle([](const Waiting&) { return true; }, answer, outcomes);
}

void WaitingRequests::supersede(RequestVerb newer, const Answer& answer,
                                std::vector<Outcome>& outcomes) {
  const bool newer_stops = newer == RequestVerb::stop;
  settle([&](const Waiting& waiting) { return (waiting.verb == RequestVerb::stop) != newer_stops; },
         answer, outcomes);
}

}  // namespace banyan::leaf
