#pragma once
// The Api of a node that has a parent too: what people ask here goes down beside what comes from
// above, and what rises is sorted: answers to local questions stay, the rest goes on upward.
//
// Local streams are told apart by the top bit of their number above, local requests by their ids
// (bounded: the newest max_ids). Events that pass by are shown here as well; only the root's word
// about them counts for their origin. Pure, single threaded.

#include <deque>
#include <set>
#include <string>
#include <vector>

#include "common/tree/router.h"
#include "common/view/api.h"

namespace banyan::view {

class LocalApi {
 public:
  static constexpr std::size_t max_ids = 2'000;

  LocalApi(const tree::Mirror& mirror, ApiOptions options) : api_(mirror, std::move(options)) {}

  void sign_with(tree::CommandSigner signer) { api_.sign_with(std::move(signer)); }
  void handle(const tree::HttpEvent& event, Now now) { api_.handle(event, now, asked_); }
  void on_changes(const tree::Changes& changes, Now now);
  void set_events_deferred(std::uint64_t batches) { api_.set_events_deferred(batches); }
  void add_event(OwnEvent event, Now now) { api_.add_event(std::move(event), now, asked_); }
  void on_time(Now now) { api_.on_time(now, asked_); }
  Time next_deadline() const { return api_.next_deadline(); }

  // What rises to this node: true when it was for here alone.
  bool take(const tree::Rising& rising, Now now);
  // Hands down what was asked since the last call; false when there was nothing.
  bool hand_down(tree::Router& router, tree::Turn& turn);
  // The same for a node without children, which performs them itself; streams have their number
  // above.
  ApiEffects take_asked();
  std::vector<tree::HttpEffect> take_http() { return std::exchange(asked_.http, {}); }

 private:
  void remember(const std::string& id);

  Api api_;
  ApiEffects asked_;
  std::set<std::string> ids_;
  std::deque<std::string> order_;
};

}  // namespace banyan::view
