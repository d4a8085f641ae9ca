#pragma once
// What is asked of the supervisor from outside, and the one answer to it.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace banyan::leaf {

enum class RequestVerb { start, stop, restart, signal, scale };
std::string_view verb_name(RequestVerb verb);

struct TargetRequest {
  std::uint64_t token = 0;  // the caller's; comes back in the outcome
  RequestVerb verb = RequestVerb::start;
  std::string target;
  std::uint64_t seen_generation = 0;  // restart: nothing to do if a newer one exists; 0 = not given
  int signal = 0;                     // signal
  unsigned instances = 0;             // scale: `target` is a group, and no machine sees it
};

enum class OutcomeKind { done, failed, rejected };
std::string_view outcome_name(OutcomeKind kind);

struct Outcome {  // exactly one for each request
  std::uint64_t token = 0;
  OutcomeKind kind = OutcomeKind::done;
  std::string reason;  // may be empty when done
  std::uint64_t generation = 0;
  int pid = 0;
};

// The requests to one target whose goal is not reached yet; at most max_waiting.
//
//   start    done when the target runs
//   restart  done when a generation newer than at the time of asking runs
//   stop     done when the target is stopped
class WaitingRequests {
 public:
  static constexpr std::size_t max_waiting = 64;

  struct Answer {
    OutcomeKind kind = OutcomeKind::done;
    std::string reason;
    std::uint64_t generation = 0;
    int pid = 0;
  };

  bool full() const { return list_.size() >= max_waiting; }
  bool empty() const { return list_.empty(); }

  void add(const TargetRequest& request, std::uint64_t generation);

  // Of what waits for the target to run: those that generation `answer.generation` satisfies.
  void settle_running(const Answer& answer, std::vector<Outcome>& outcomes);
  void settle_stopped(const Answer& answer, std::vector<Outcome>& outcomes);
  void settle_all(const Answer& answer, std::vector<Outcome>& outcomes);
  // A newer request wants the opposite of some older ones.
  void supersede(RequestVerb newer, const Answer& answer, std::vector<Outcome>& outcomes);

 private:
  struct Waiting {
    std::uint64_t token = 0;
    RequestVerb verb = RequestVerb::start;
    std::uint64_t generation = 0;  // at the time of asking
  };

  template <class Predicate>
  void settle(Predicate which, const Answer& answer, std::vector<Outcome>& outcomes);

  std::vector<Waiting> list_;
};

}  // namespace banyan::leaf
