#include "common/tree/beat_times.h"

#include <algorithm>

namespace banyan::tree {

void BeatTimes::reset(Time now) {
  *this = BeatTimes{};
  since_ = now;
}

void BeatTimes::sent(std::uint64_t number, Time now) {
  beats_.push_back({number, now});
  if (beats_.size() > max_beats) beats_.pop_front();
}

const BeatTimes::Beat* BeatTimes::find(std::uint64_t number) const {
  const auto at =
      std::lower_bound(beats_.begin(), beats_.end(), number,
                       [](const Beat& beat, std::uint64_t wanted) { return beat.number < wanted; });
  return at == beats_.end() ? nullptr : &*at;
}

void BeatTimes::answered(std::uint64_t number, Time now) {
  const Beat* beat = find(number);
  if (beat == nullptr || beat->number != number) return;
  const Duration round_trip = now - beat->at;
  best_ = any_answered_ ? std::min(best_, round_trip) : round_trip;
  any_answered_ = true;
}

Duration BeatTimes::age(std::uint64_t heard, Duration interval, Time now) const {
  const Beat* beat = heard == 0 ? nullptr : find(heard);
  const Time at = beat == nullptr ? since_ : beat->at;
  return std::max<Duration>(now - at - interval - best_, Duration{0});
}

}  // namespace banyan::tree
