#pragma once
// Requests from above at the leaf: each is acted upon once, whatever copies of it come.
//
// A second copy of an id gets the stored outcome, or silence while the first is still running. A
// request whose time is over is `expired` and does nothing. Bounded: the newest max_ids ids that
// were taken are remembered, and the newest max_fences targets that were asked about before they
// came. Whoever may ask may invent ids: questions never push out what was taken. Pure, single
// threaded.

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "banyan/v1/handover.pb.h"
#include "banyan/v1/link.pb.h"
#include "common/base/time.h"
#include "leaf/target_request.h"

namespace banyan::leaf {

class RequestJournal {
 public:
  static constexpr std::size_t max_ids = 1'000;
  static constexpr std::size_t max_fences = 4'000;

  struct Taken {
    std::vector<TargetRequest> requests;  // to be handed to the supervisor
    v1::Outcomes at_once;                 // answered without it
    std::size_t repeated = 0;             // targets of which this was not the first copy
    std::vector<std::string> forgotten;   // ids that went for it: a copy would be done again
  };

  // `instance`: this leaf's; a request made for an earlier holder of the name is rejected.
  Taken take(const v1::Request& request, const std::string& instance);

  // It was taken, and is remembered.
  bool has_taken(const std::string& id) const { return entries_.contains(id); }
  // Nothing waits for the supervisor's answer.
  bool idle() const { return tokens_.empty(); }
  // For the program that replaces this one in the same process: what runs counts as `unknown`.
  std::vector<v1::HeldRequest> held() const;
  // Before anything else.
  void resume(const v1::Handover& handover);
  // What became of a request? The stored outcome; nothing while it runs. What was never seen in
  // this run is fenced, so that a late copy cannot run any more, and is answered `unreachable`;
  // asked about another run, nobody knows.
  v1::Outcomes answer(const v1::OutcomeAsk& ask, const std::string& instance, const v1::Boot& boot);

  // The supervisor's answer to a token handed out by take(); no outcomes for an unknown token.
  v1::Outcomes settle(const Outcome& outcome);

 private:
  struct Entry {
    std::map<std::string, v1::Outcome> settled;    // by target
    std::map<std::string, std::uint64_t> running;  // by target: its token
  };
  using Fence = std::pair<std::string, std::string>;  // id, target

  std::vector<std::string> remember(const std::string& id);  // which ids were forgotten for it
  void fence(Fence what, v1::Outcome outcome);
  // What is known of it; null when nothing is.
  const v1::Outcome* settled(const std::string& id, const std::string& target) const;
  bool runs(const std::string& id, const std::string& target) const;

  std::map<std::string, Entry> entries_;
  std::deque<std::string> order_;
  std::map<Fence, v1::Outcome> fences_;
  std::deque<Fence> fence_order_;
  std::map<std::uint64_t, std::pair<std::string, std::string>> tokens_;  // -> id, target
  std::uint64_t last_token_ = 0;
};

}  // namespace banyan::leaf
