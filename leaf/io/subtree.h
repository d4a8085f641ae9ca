#pragma once
// Ending all processes of a target's generation: those that carry its mark, those of its session,
// and their children; also when they made sessions of their own, were orphaned or ignore TERM.
//
// A process of another mark is never touched, whoever its parent is: it belongs to another target
// or to another leaf, which outlives its supervisor. What a process loses when it clears its
// environment AND its session AND its parent is its owner: it is not found.

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "common/base/time.h"
#include "leaf/io/proc_files.h"

namespace banyan::leaf {

// Behind the mark of what the leaf itself runs beside a generation: it ends with the generation,
// but is not adopted with it.
inline constexpr std::string_view check_mark_end = "~check";

struct SubtreeJob {
  std::string mark;
  int leader = 0;  // the main process, also after its death; 0 = unknown
  // When it started, 0 = it is reaped already: a process of its pid that started at another time is
  // a stranger, and so is the session of that number. Nothing: it is certain to be the leader.
  std::optional<std::uint64_t> leader_start = {};
};

struct SubtreeResult {
  unsigned killed = 0;      // different processes
  unsigned unkillable = 0;  // still there at the end
};

// Several jobs share one look at /proc per round. Rounds follow each other until two in a row find
// nothing, 3 s at most. Only descendants of this process (and of its keeper) are looked at: it
// makes itself the subreaper of all it starts. Loop's thread; must live until the loop has stopped.
class SubtreeEnder {
 public:
  using Done = std::function<void(const SubtreeResult&)>;
  struct Marked {
    ProcessInfo info;
    std::string mark;
  };

  // `reap` collects dead children; called before every look.
  SubtreeEnder(boost::asio::io_context& loop, std::function<void()> reap);

  // The descendants of this process are looked at, too; 0 = none.
  void set_keeper(int pid) { keeper_ = pid; }
  // From now on all processes are looked at: some targets are nobody's descendants any more.
  void look_everywhere() { everywhere_ = true; }

  // All that carry one of these marks and are to be looked at, at once. Blocks 3 s at most.
  SubtreeResult end_now(const std::set<std::string>& marks) const;

  // `done` is called from the loop, never from inside.
  void end(SubtreeJob job, Done done);

 private:
  struct Running {
    SubtreeJob job;
    Done done;
    std::set<std::pair<int, std::uint64_t>> killed;
    unsigned quiet_rounds = 0;
    std::chrono::steady_clock::time_point deadline;
  };
  void plan(Duration delay);
  void round();
  std::vector<Marked> candidates() const;
  // True when the job has ended.
  bool advance(Running& running, const std::vector<ProcessInfo>& members);

  std::function<void()> reap_;
  boost::asio::steady_timer timer_;
  std::vector<Running> jobs_;
  Duration pause_;
  int keeper_ = 0;
  bool everywhere_ = false;
};

// The living processes of each subtree at this moment, by one look at all processes; not what the
// leaf itself runs beside it. Everywhere: with a keeper, or after one, targets are no descendants
// of this process.
std::vector<std::vector<ProcessInfo>> living_members(const std::vector<SubtreeJob>& jobs);

// What a starting leaf does before anything else: kills all processes on this host that carry the
// mark of this instance, which a crashed predecessor left. Other instances, this process and its
// ancestors are never touched; nor is what carries one of the spared marks, which is to be adopted.
// Blocks 3 s at most.
SubtreeResult end_strays(const std::string& instance,
                         const std::set<std::string>& spared_marks = {});

}  // namespace banyan::leaf
