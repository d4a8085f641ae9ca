#pragma once
// Ending runs that began in a control group of their own (cgroups.h): the group is killed, and the
// run is gone when the group is empty; nothing else needs to be looked at meanwhile, however many
// processes the host has. What had the right to leave its group still carries its mark: a little
// later, for all that ended until then at once, one look over /proc (subtree.h) finds it.
//
// Rounds grow from 1 to 64 ms, 3 s at most; then what is left is told as unkillable.
// Loop's thread; must live until the loop has stopped.

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "leaf/io/subtree.h"

namespace banyan::leaf {

// Of one run; all may be empty together.
struct GroupHooks {
  using Of = const std::string&;
  // Kills all in it: how many there were. Nothing when the group may not be ended as a whole.
  std::function<std::optional<unsigned>(Of target, std::uint64_t generation)> kill = {};
  // How many are in it.
  std::function<unsigned(Of target, std::uint64_t generation)> left = {};
  // Whether the kernel killed in it for want of memory.
  std::function<bool(Of target, std::uint64_t generation)> oom_killed = {};
  // Nothing of the run is left, or it is given up.
  std::function<void(Of target, std::uint64_t generation)> gone = {};
};

class GroupEnder {
 public:
  // `trouble`: a sentence for the leaf's own log.
  GroupEnder(boost::asio::io_context& loop, SubtreeEnder& walker, const GroupHooks& hooks,
             std::function<void(const std::string&)> trouble);

  struct Job {
    std::string target;
    std::uint64_t generation = 0;
    std::string mark;
  };
  // False when the group cannot be ended as a whole: then nothing was done. `done` is called from
  // the loop, never from inside.
  bool end(Job job, SubtreeEnder::Done done);

  // The leaf is about to end: the later look, now. Blocks 3 s at most.
  void look_now();

 private:
  struct Running {
    Job job;
    SubtreeEnder::Done done;
    unsigned killed = 0;
    std::chrono::steady_clock::time_point deadline;
  };
  void plan();
  void round();
  void look_later();
  void look();

  SubtreeEnder& walker_;
  const GroupHooks& hooks_;
  std::function<void(const std::string&)> trouble_;
  boost::asio::steady_timer timer_;
  boost::asio::steady_timer look_timer_;
  Duration pause_;
  std::vector<Running> jobs_;
  std::set<std::string> ended_;    // their marks, to be looked for
  std::set<std::string> looking_;  // being looked for
};

}  // namespace banyan::leaf
