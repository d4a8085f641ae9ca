// The part of Downlink that settles it when one instance stands below two links: it moved, and the
// place that it left does not know. Whoever sees both tells the host of the lower attach.

#include <algorithm>

#include "common/base/name.h"
#include "common/tree/downlink.h"
#include "common/tree/inventory.h"
#include "common/tree/places.h"

namespace banyan::tree {
namespace {

constexpr unsigned hand_over_at_most = 2;  // who takes nothing of it knows better

}  // namespace

// Again and again until it is settled, but not more often than once per timeout.
void Downlink::contest_doubled(Turn& turn) {
  const auto doubled = mirror_.doubled();  // contests change it
  std::erase_if(handed_over_, [&](const auto& each) { return !doubled.contains(each.first); });
  if (doubled.empty()) return;
  if (turn.now.time >= contest_at_) {
    contest_at_ = after(turn.now.time, options_.timeout);
    for (const std::string& instance : doubled) contest(instance, turn);
  }
  deadline_ = std::min(deadline_, contest_at_);
}

// Whoever is known only below a place that loses is made known at the one that wins, before the
// other goes.
void Downlink::contest(const std::string& instance, Turn& turn) {
  auto places = mirror_.places_of(instance);
  if (places.size() < 2) return;
  std::sort(places.begin(), places.end(),
            [](const auto* left, const auto* right) { return beats(*left, *right); });
  // Where links have keys a move is rare enough to be told, and so is a lie about one.
  const auto winner = children_.find(std::string(split_first(places[0]->path()).first));
  if (winner != children_.end() && winner->second.key != nullptr) {
    tell_refused(winner->second, "contested",
                 "the instance at " + places[0]->path() + " stands at " + places[1]->path() +
                     " too: the later one counts, the other is asked",
                 turn);
  }
  v1::Contest message;
  message.set_instance(instance);
  message.set_attach(attach_of(*places.front()));
  bool handed = false;
  std::vector<std::string> losers;
  for (std::size_t i = 1; i < places.size(); ++i) {
    losers.push_back(places[i]->path());
    handed = hand_over(*places[i], *places.front(), turn) || handed;
  }
  if (handed && ++handed_over_[instance] <= hand_over_at_most) return;
  for (const std::string& path : losers) {
    message.set_path(path);
    on_contest(message, turn);
  }
}

// The path is from here. The last hop is the host: it knows whether it has a session with it.
void Downlink::on_contest(const v1::Contest& contest, Turn& turn) {
  const auto [first, rest] = split_first(contest.path());
  const auto it = children_.find(std::string(first));
  if (it == children_.end()) return;
  Child& child = it->second;
  if (rest.empty() && !child.in_session()) {
    const bool stale = child.instance == contest.instance() && child.attach <= contest.attach();
    if (stale) drop(std::string(first), "it is in another place now", turn);
    return;
  }
  v1::Frame frame;
  *frame.mutable_contest() = contest;
  frame.mutable_contest()->set_path(std::string(rest));
  send(child.name, std::move(frame), turn);
}

}  // namespace banyan::tree
