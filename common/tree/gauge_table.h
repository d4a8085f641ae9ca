#pragma once
// Questions for gauges that pass through this node: split per child, what comes back gathered, and
// answered upward once.
//
//   asked --(every child has answered, and this node where it was asked about)--> answered
//   asked --(its time is up)--> answered with what there is
//
// Who was asked about and has no gauges in the answer is named there with the reason: no session,
// a broken one, too old, no answer in time. A child is given 7/8 of the time that this node was
// given, so that what is late two hops below is still named by the hop next to it.
//
// Gauges are no facts: nothing here is kept, hashed or told unless it was asked for.
// Bounds: max_asks questions, max_held_bytes of gathered answers over all of them. Single threaded.

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/tree/downlink.h"
#include "common/tree/turn.h"

namespace banyan::tree {

// Of the host that a node runs on, read by its driver. All 0 = not known.
struct HostLoad {
  double load_1m = 0;
  double load_5m = 0;
  double load_15m = 0;
  unsigned cpus = 0;
};

class GaugeTable {
 public:
  static constexpr std::size_t max_asks = 256;
  static constexpr std::size_t max_held_bytes = 16U << 20U;
  static constexpr std::size_t paths_per_ask = 500;
  static constexpr Duration wait_max = seconds{30};
  // Set in the number of a question that was asked at this very node: it outlives the session
  // above.
  static constexpr std::uint64_t local_ask = 1ULL << 63U;

  explicit GaugeTable(Downlink& downlink) : downlink_(downlink) {}

  void on_ask(const v1::GaugeAsk& ask, Turn& turn);
  // Paths from this node.
  void on_answer(const std::string& child, const v1::GaugeAnswer& answer);
  void on_child_gone(const std::string& child);
  void on_parent_gone();
  // The answer to take_host_wish(). `rtt`: of this node's own beats; zero = not known.
  void on_host(const HostLoad& load, Duration rtt);
  void on_time(Time now);
  Time next_deadline() const;

  // True once when this node's own load is to be read.
  bool take_host_wish() { return std::exchange(host_wish_, false); }
  // What goes upward since the last call: each answer in as many frames as it takes.
  std::vector<v1::GaugeAnswer> take_answers() { return std::exchange(answers_, {}); }

 private:
  struct Entry {
    std::uint64_t above = 0;  // the question's number at who asked
    Time until{};
    bool own = false;                                   // this node's own gauges are to come
    std::map<std::string, std::set<std::string>> open;  // child -> paths, from this node
    v1::GaugeAnswer gathered;
    std::set<std::string> answered;  // paths
    std::size_t bytes = 0;
  };
  using Entries = std::map<std::uint64_t, Entry>;  // by the number below

  void split(const v1::GaugeAsk& ask, Entry& entry) const;
  void hand_down(std::uint64_t number, const v1::GaugeAsk& ask, Turn& turn);
  void give_up(Entry& entry, const std::string& child, const std::string& why);
  Entries::iterator finish(Entries::iterator it);
  void finish_when_whole(Entries::iterator it);

  Downlink& downlink_;
  Entries entries_;
  std::uint64_t last_ = 0;
  std::size_t held_bytes_ = 0;
  bool host_wish_ = false;
  std::vector<v1::GaugeAnswer> answers_;
};

v1::NodeGauges node_gauges(const HostLoad& load, Duration rtt);

// The same in frames of about 64 KiB; all but the last have `more`. Targets of one node may be
// spread over several of them.
std::vector<v1::GaugeAnswer> split_gauge_answer(v1::GaugeAnswer answer);

}  // namespace banyan::tree
