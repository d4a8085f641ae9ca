#pragma once
// What the oracles found wrong: lines, each under the rule that forbids it.

#include <string>
#include <vector>

namespace banyan::sim {

struct Finding {
  std::string rule;  // "R31"; "" = an invariant of its own
  std::string text;
};

class Findings {
 public:
  void add(std::string rule, std::string text);

  std::size_t size() const { return list_.size(); }
  bool empty() const { return list_.empty(); }
  const std::vector<Finding>& list() const { return list_; }
  // Takes out what breaks rules that are known not to be built yet, this one excepted.
  Findings take_missing(const std::string& but);
  std::string text() const;

 private:
  static constexpr std::size_t max_shown = 40;

  std::vector<Finding> list_;
};

// Rules without which seeds may break, and that are not built yet: each is shown to be missing by a
// scenario of its own (scenarios/, `missing`).
bool is_missing(const std::string& rule);

}  // namespace banyan::sim
