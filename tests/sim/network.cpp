#include "tests/sim/network.h"

#include <algorithm>

namespace banyan::sim {

constexpr int last_kind_outside = v1::Frame::kWhoAreYou;  // what follows is said within sessions

std::shared_ptr<Link> Network::connect(const std::string& child, const std::string& parent) {
  auto link = std::make_shared<Link>();
  link->child = child;
  link->parent = parent;
  link->parent_conn = ++last_conn_;
  return link;
}

std::optional<Time> Network::carry(Link& link, Direction direction, std::string& bytes, Time now) {
  const bool up = direction == Direction::up;
  tap_.see(bytes, up);
  if (!link.open || link.hung_up) return std::nullopt;
  if (tamper_.active() && !tamper_.pass(link.tampered, up, bytes)) return std::nullopt;
  Time& free = link.free(direction);
  Time earliest = now;
  const auto found = conditions_.find({link.child, link.parent});
  if (found != conditions_.end()) {
    Condition& condition = found->second;
    unsigned& lose = up ? condition.lose_up : condition.lose_down;
    if (lose > 0 && kind_of(bytes) > last_kind_outside) {
      --lose;
      ++lost_;
      return std::nullopt;
    }
    earliest = std::max(now, up ? condition.held_up : condition.held_down);
  }
  if (tamper_.active()) tamper_.on_the_way(link.tampered, up, bytes);
  free = std::max(free, earliest + delay_.min + random_.upto(delay_.max - delay_.min));
  return free;
}

void Network::hold(const std::string& child, const std::string& parent, Direction direction,
                   Time until) {
  Condition& condition = conditions_[{child, parent}];
  Time& held = direction == Direction::up ? condition.held_up : condition.held_down;
  held = std::max(held, until);
}

void Network::lose(const std::string& child, const std::string& parent, Direction direction) {
  Condition& condition = conditions_[{child, parent}];
  ++(direction == Direction::up ? condition.lose_up : condition.lose_down);
}

void Network::block(const std::string& child, const std::string& parent, Time until) {
  Time& blocked = conditions_[{child, parent}].blocked;
  blocked = std::max(blocked, until);
}

bool Network::is_blocked(const std::string& child, const std::string& parent, Time now) const {
  const auto found = conditions_.find({child, parent});
  return found != conditions_.end() && found->second.blocked > now;
}

void Network::heal(Time now) {
  for (auto& [pair, condition] : conditions_) {
    condition.held_up = std::min(condition.held_up, now);
    condition.held_down = std::min(condition.held_down, now);
    condition.blocked = std::min(condition.blocked, now);
    condition.lose_up = condition.lose_down = 0;
  }
}

}  // namespace banyan::sim
