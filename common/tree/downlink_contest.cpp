// The part of Downlink that settles it when one instance stands below two links: it moved, and the
// place that it left does not know. Whoever sees both tells the host of the lower attach.

#include <algorithm>

#include "common/base/name.h"
#include "common/tree/downlink.h"

namespace banyan::tree {
namespace {

std::uint64_t attach_of(const Mirror::Node& node) {
  const v1::LinkFact* link = link_of(node);
  return link == nullptr ? 0 : link->attach();
}

}  // namespace

// Again and again until it is settled, but not more often than once per timeout.
void Downlink::contest_doubled(Turn& turn) {
  if (mirror_.doubled().empty()) return;
  if (turn.now.time >= contest_at_) {
    contest_at_ = after(turn.now.time, options_.timeout);
    const auto doubled = mirror_.doubled();  // contests change it
    for (const std::string& instance : doubled) contest(instance, turn);
  }
  deadline_ = std::min(deadline_, contest_at_);
}

void Downlink::contest(const std::string& instance, Turn& turn) {
  auto places = mirror_.places_of(instance);
  std::sort(places.begin(), places.end(), [](const auto* left, const auto* right) {
    return std::pair(attach_of(*left), left->path) > std::pair(attach_of(*right), right->path);
  });
  std::vector<std::string> losers;
  for (std::size_t i = 1; i < places.size(); ++i) losers.push_back(places[i]->path);
  v1::Contest message;
  message.set_instance(instance);
  message.set_attach(places.empty() ? 0 : attach_of(*places.front()));
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
