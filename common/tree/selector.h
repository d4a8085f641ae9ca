#pragma once
// Selectors: comma- or blank-separated path globs (`*` inside a name, `**` zero or more names),
// `-l key=value,key!=value`, `@state`. Globs are joined by "or", labels by "and", states by "or";
// the three groups by "and". Pure.
//
// A target is selected by a glob that matches its path, or by the exact path (no wildcard) of its
// node; `api` also selects the instances `api.1 api.2`, even beside an `api`. `/` is the top
// itself, `/a` what is named a directly below it. A name without `/` and wildcards means that last
// component, if it is unique. What is left, or below something left, matches nothing but `@left`.

#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/tree/mirror.h"

namespace banyan::tree {

struct TargetRef {
  const Mirror::Node* node = nullptr;
  std::string name;
  std::string path() const;
  v1::TargetFact fact() const;  // unpacked at each call
};

struct Selection {
  std::vector<const Mirror::Node*> nodes;  // in tree order; the top itself never
  std::vector<TargetRef> targets;
  // Short names that matched several: what they could have meant. Then nodes and targets are empty.
  std::vector<std::string> candidates;
  std::string ambiguous;
};

class Selector {
 public:
  // An empty text selects everything, what is left too. Errors name the column.
  static Result<Selector> parse(std::string_view text);

  Selection select(const Mirror& mirror) const;
  // One object by itself: a short name then means every last component of that name.
  bool selects(const Mirror::Node& node) const;
  bool selects(const TargetRef& target) const;
  // Whatever is at this path now; of what is not there (any more) the path alone is judged.
  bool selects(const Mirror& mirror, std::string_view path) const;

  // By names and labels alone: what `selects` says with any state in it, except of what is left.
  bool names(const Mirror::Node& node) const;
  bool names(const TargetRef& target) const;

  bool everything() const { return globs_.empty() && labels_.empty() && states_.empty(); }

 private:
  struct Glob {
    std::string text;
    bool wild = false;   // it has a `*`
    bool brief = false;  // neither wildcard nor `/`: a last component

    bool matches(const Mirror::Node& node) const;
    bool matches(const TargetRef& target) const;
  };
  struct Label {
    std::string key;
    std::string value;
    bool equal = true;
  };
  Status add_items(std::string_view word, std::size_t column, bool& labels_follow);
  Status add_glob(std::string_view item, std::size_t column);
  Status add_labels(std::string_view word, std::size_t column);
  Status add_state(std::string_view name, std::size_t column);
  bool fits_labels(const Mirror::Node& node) const;
  bool fits_labels(const TargetRef& target) const;
  bool passes(const Mirror::Node& node) const;  // labels and states
  bool passes(const TargetRef& target) const;

  std::vector<Glob> globs_;
  std::vector<Label> labels_;
  std::vector<std::string> states_;
};

// True when the node, or something above it, said goodbye.
bool is_left(const Mirror::Node& node);
// A target's labels: its own over those of its node.
std::string label_of(const TargetRef& target, const std::string& key);

// Whole paths: `dc1/**/api`, `*/web-*`.
bool glob_matches(std::string_view glob, std::string_view path);

}  // namespace banyan::tree
