#include "common/view/suggest.h"

#include <algorithm>

#include "common/base/name.h"
#include "common/base/text.h"

namespace banyan::view {
namespace {

constexpr std::size_t max_suggestions = 5;
constexpr std::size_t max_looked_at = 100'000;
constexpr std::size_t shortest_part = 3;

// The last name of the first path in a selector, without wildcards.
std::string wanted_name(std::string_view text) {
  const auto end = std::min(text.find_first_of(", \t"), text.size());
  const auto name = split_last(text.substr(0, end)).second;
  std::string wanted;
  for (const char c : name) {
    if (c != '*') wanted += c;
  }
  return wanted;
}

bool is_near(const std::string& wanted, const std::string& name) {
  if (wanted.size() >= shortest_part && name.find(wanted) != std::string::npos) return true;
  return did_you_mean(wanted, {name}).has_value();
}

class Search {
 public:
  explicit Search(std::string wanted) : wanted_(std::move(wanted)) {}

  void walk(const tree::Mirror::Node& node) {
    const std::string path = node.path();
    if (node.parent() != nullptr) look_at(node.name(), path);
    for (const auto& name : node.target_names()) look_at(name, join_path(path, name));
    for (const auto& child : node.children()) {
      if (is_full()) return;
      walk(*child);
    }
  }
  std::vector<std::string> found;

 private:
  bool is_full() const { return found.size() >= max_suggestions || looked_at_ >= max_looked_at; }
  void look_at(const std::string& name, const std::string& path) {
    ++looked_at_;
    if (!is_full() && is_near(wanted_, name)) found.push_back(path);
  }

  std::string wanted_;
  std::size_t looked_at_ = 0;
};

}  // namespace

std::vector<std::string> suggest_paths(const tree::Mirror& mirror, std::string_view text) {
  const auto wanted = wanted_name(text);
  if (wanted.empty()) return {};
  Search search(wanted);
  search.walk(mirror.top());
  std::sort(search.found.begin(), search.found.end());
  return search.found;
}

tl::unexpected<Problem> nothing_matches(const tree::Mirror& mirror, std::string what,
                                        std::string_view text) {
  auto candidates = suggest_paths(mirror, text);
  std::string hint = candidates.empty() ? "GET /api/v1/tree shows what there is"
                                        : "did you mean " + candidates.front() + "?";
  Error error{std::move(what), visible(text), {}, std::move(hint)};
  return refuse(404, std::move(error), std::move(candidates));
}

}  // namespace banyan::view
