#include "common/tree/ping_table.h"

#include "common/base/name.h"

namespace banyan::tree {
namespace {

v1::Pong broken(std::uint64_t number, std::string why) {
  v1::Pong pong;
  pong.set_number(number);
  pong.set_broken(std::move(why));
  return pong;
}

}  // namespace

void PingTable::on_ping(const v1::Ping& ping, Turn& turn, std::vector<v1::Pong>& rising) {
  const auto [first, rest] = split_first(ping.path());
  const std::string name(first);
  const Child* child = downlink_.find(name);
  if (child == nullptr) {
    rising.push_back(broken(ping.number(), name + " is not known here"));
  } else if (!child->in_session()) {
    rising.push_back(broken(ping.number(), name + ": " + child->liveness.why()));
  } else if (open_.size() >= max_open) {
    rising.push_back(broken(ping.number(), "too many pings are under way"));
  } else {
    open_[++last_number_] = {ping.number(), name, turn.now.time};
    v1::Frame frame;
    frame.mutable_ping()->set_number(last_number_);
    frame.mutable_ping()->set_path(std::string(rest));
    downlink_.send(name, std::move(frame), turn);
  }
}

// What the hops below took is theirs: the rest is this one's.
void PingTable::on_pong(const std::string& child, const v1::Pong& pong, Now now,
                        std::vector<v1::Pong>& rising) {
  const auto it = open_.find(pong.number());
  if (it == open_.end() || it->second.child != child) return;
  std::int64_t own = (now.time - it->second.sent) / std::chrono::microseconds{1};
  v1::Pong answer;
  answer.set_number(it->second.above);
  answer.set_broken(pong.broken());
  v1::Hop& nearest = *answer.add_hops();
  nearest.set_path(child);
  for (const v1::Hop& hop : pong.hops()) {
    v1::Hop& further = *answer.add_hops();
    further = hop;
    further.set_path(join_path(child, hop.path()));
    own -= static_cast<std::int64_t>(hop.round_trip_us());
  }
  nearest.set_round_trip_us(static_cast<std::uint64_t>(std::max<std::int64_t>(own, 0)));
  rising.push_back(std::move(answer));
  open_.erase(it);
}

void PingTable::on_child_gone(const std::string& child, std::vector<v1::Pong>& rising) {
  for (auto it = open_.begin(); it != open_.end();) {
    if (it->second.child != child) {
      ++it;
      continue;
    }
    rising.push_back(broken(it->second.above, "the link to " + child + " broke"));
    it = open_.erase(it);
  }
}

void PingTable::on_time(Time now, std::vector<v1::Pong>& rising) {
  while (!open_.empty() && now >= open_.begin()->second.sent + patience) {
    const Open& open = open_.begin()->second;
    rising.push_back(broken(open.above, "no answer from " + open.child + " within 10 s"));
    open_.erase(open_.begin());
  }
}

Time PingTable::next_deadline() const {
  return open_.empty() ? never : after(open_.begin()->second.sent, patience);
}

}  // namespace banyan::tree
