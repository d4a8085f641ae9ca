#pragma once
// Questions from above for the gauges of this leaf: sampled at most once a second, whoever asks,
// and not at all while nobody does.
//
//   resting --question--> sampling --sampled--> resting, everybody answered
//                            ^  |
//            after window_min|  | sampled, but the sample before is none or older than window_max:
//                            |  v a rate needs two that are near to each other
//                          waiting
//
// What was sampled less than `fresh` ago answers at once. Pure; owned by the leaf role, one thread.
// Bounds: max_asks questions wait; beyond it one is answered as missing.

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/tree/gauge_table.h"
#include "leaf/leaf_event.h"

namespace banyan::leaf {

class GaugeDesk {
 public:
  static constexpr std::size_t max_asks = 64;
  static constexpr Duration fresh = seconds{1};
  static constexpr Duration window_min = milliseconds{500};
  static constexpr Duration window_max = seconds{30};

  void on_ask(const v1::GaugeAsk& ask, Time now);
  // What people asked at this very leaf still waits.
  void on_session_gone();
  void on_sampled(const UsageSampled& sampled, Time now);
  void on_time(Time now);
  Time next_deadline() const { return second_at_; }

  // True once when everything is to be sampled now; answered by on_sampled().
  bool take_wish() { return std::exchange(wish_, false); }
  // `rtt`: of this leaf's beats.
  std::vector<v1::GaugeAnswer> take_answers(Duration rtt);

 private:
  struct Base {  // of one target's run
    std::uint64_t generation = 0;
    Duration cpu_used{0};
  };
  void sample();
  void settle(const UsageSampled& sampled, Time now);
  v1::TargetGauges gauges_of(const TargetUsage& usage, Time now) const;
  v1::GaugeAnswer answer_to(const v1::GaugeAsk& ask, Duration rtt) const;

  std::vector<v1::GaugeAsk> asks_;      // that wait for a sample
  std::vector<v1::GaugeAsk> answered_;  // by the last sample
  std::vector<v1::GaugeAnswer> refused_;
  bool wish_ = false;
  bool sampling_ = false;
  Time second_at_ = never;

  Time base_at_ = never;  // never = none
  std::map<std::string, Base> base_;
  Time last_at_ = never;  // of what `last_` and `targets_` say; never = nothing yet
  tree::HostLoad last_;
  std::vector<v1::TargetGauges> targets_;
};

}  // namespace banyan::leaf
