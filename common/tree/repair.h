#pragma once
// The parent's side of a repair by descent: where the pictures of one child differ, and only there,
// it asks, replaces and prunes.
//
//   begin --> question about the child itself
//     own digest differs            -> question for that node's facts; they are replaced, whole
//     a child's digest differs      -> question about that child
//     a child or fact is not listed -> it goes
//   running until nothing is open or waiting; the next digest judges.
//
// Answers speak of what was told up to them, and the link keeps the order: comparing with what is
// held at that moment is exact, whatever changes meanwhile.
// Bounds: max_open questions on the wire; max_waiting noted, depth first (beyond: the descent is
// given up, which counts as one that did not cure). Single threaded.

#include <map>
#include <string>
#include <vector>

#include "common/tree/mirror.h"

namespace banyan::tree {

class Repair {
 public:
  static constexpr std::size_t max_open = 16;
  static constexpr std::size_t max_waiting = 100'000;

  // Whose picture is repaired, and where it is held.
  struct Subject {
    Mirror& mirror;
    const std::string& child;
    bool leaf = false;  // it has no children and no links
  };

  void begin();
  void stop();  // the session is over
  bool running() const { return !open_.empty() || !waiting_.empty(); }

  // The questions that may be asked now; the caller sends them.
  std::vector<v1::Question> ask();
  // Error: an answer to nothing, out of order, or with what the child may not say.
  Status on_answer(const v1::Answer& answer, const Subject& subject, Changes& changes);

 private:
  using FactPlace = std::pair<int, std::string>;  // kind, id
  struct Asked {
    std::string path = {};  // from the child
    bool digests = false;
    bool facts = false;
    std::uint32_t bucket = 0;
    std::string name_upto = {};              // the last child listed so far
    FactPlace fact_upto{-1, std::string()};  // the last fact told so far
  };

  void wait(Asked asked);
  void compare_buckets(const Asked& asked, const v1::Answer& answer, const Subject& subject);
  Status take_children(Asked& asked, const v1::Answer& answer, const Subject& subject,
                       Changes& changes);
  Status take_facts(Asked& asked, const v1::Answer& answer, const Subject& subject,
                    Changes& changes);
  static void prune_between(const Asked& asked, const std::string* end, const Subject& subject,
                            Changes& changes);
  static void remove_between(const Asked& asked, const FactPlace* end, const Subject& subject,
                             Changes& changes);
  void finish(const Asked& asked, const v1::Answer& answer, const Subject& subject,
              Changes& changes);

  std::map<std::uint64_t, Asked> open_;
  std::vector<Asked> waiting_;  // the last is asked first
  std::uint64_t last_number_ = 0;
};

}  // namespace banyan::tree
