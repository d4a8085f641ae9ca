#include "common/tree/told_past.h"

#include <set>

namespace banyan::tree {

void ToldPast::begin(const Digest& told) {
  *this = ToldPast{};
  known_ = true;
  arrived_ = told;
}

void ToldPast::sent(Keys keys, const Digest& after) {
  on_their_way_.push_back({std::move(keys), after});
  if (on_their_way_.size() > max_updates) acknowledged(arrived_number_ + 1);
}

void ToldPast::acknowledged(std::uint64_t number) {
  while (arrived_number_ < number && !on_their_way_.empty()) {
    arrived_ = on_their_way_.front().after;
    on_their_way_.pop_front();
    ++arrived_number_;
  }
}

void ToldPast::leave(const Keys& waiting) {
  waiting_.insert(waiting_.end(), waiting.begin(), waiting.end());
}

std::optional<ToldPast::Keys> ToldPast::since(const Digest& held) const {
  if (!known_) return std::nullopt;
  // The latest such point: nothing that is known to have arrived is told again.
  auto next = on_their_way_.end();
  while (next != on_their_way_.begin() && std::prev(next)->after != held) --next;
  if (next == on_their_way_.begin() && arrived_ != held) return std::nullopt;
  Keys keys;
  std::set<FactKey> seen;
  const auto add = [&](const Keys& more) {
    for (const auto& [key, told] : more) {
      if (seen.insert(key).second) keys.emplace_back(key, told);  // the earliest holds
    }
  };
  for (; next != on_their_way_.end(); ++next) add(next->keys);
  add(waiting_);
  return keys;
}

}  // namespace banyan::tree
