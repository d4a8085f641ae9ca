#include "common/tree/selector.h"

#include <algorithm>
#include <set>

#include "common/base/name.h"
#include "common/base/text.h"

namespace banyan::tree {
namespace {

constexpr std::string_view blanks = " \t\r\n";
constexpr std::size_t max_items = 1'000;

bool name_matches(std::string_view glob, std::string_view name) {
  std::size_t at = 0;
  std::size_t star = std::string_view::npos;
  std::size_t star_at = 0;
  std::size_t i = 0;
  while (at < name.size()) {
    if (i < glob.size() && glob[i] == '*') {
      star = i++;
      star_at = at;
    } else if (i < glob.size() && glob[i] == name[at]) {
      ++i;
      ++at;
    } else if (star != std::string_view::npos) {
      i = star + 1;
      at = ++star_at;
    } else {
      return false;
    }
  }
  while (i < glob.size() && glob[i] == '*') ++i;
  return i == glob.size();
}

// "api.2" -> "api" by what its leaf says of it; else where the node has no target `api` of its own.
// "" for what is no instance, and for an instance that carries the plain name.
std::string instance_base(const Mirror::Node& node, std::string_view name) {
  const auto known = node.target(name);
  if (known && !known->group().empty()) return known->group() == name ? "" : known->group();
  const auto dot = name.rfind('.');
  if (dot == std::string_view::npos || dot == 0 || dot + 1 == name.size()) return {};
  const auto digits = name.substr(dot + 1);
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (!std::all_of(digits.begin(), digits.end(), is_digit)) return {};
  const auto base = name.substr(0, dot);
  return node.has_target(base) ? std::string() : std::string(base);
}

bool state_passes(const Mirror::Node& node, const std::string& state) {
  const NodeState now = state_of(node);
  if (state == "down") return now != NodeState::up;
  if (state == "presumed") return now == NodeState::unreachable;
  return state == name_of(now);
}

bool state_passes(const TargetRef& target, const std::string& state) {
  const auto brief = target.node->target_brief(target.name);
  if (!brief) return false;
  const v1::TargetState now = brief->target_state();
  if (state == "down") {
    const bool runs = now == v1::TARGET_STATE_RUNNING;
    return (brief->wanted() && !runs) || now == v1::TARGET_STATE_FAILED;
  }
  const bool presumed = break_above(*target.node) != nullptr;
  if (state == "presumed") return presumed;
  return !presumed && state == name_of(now);
}

const std::vector<std::string>& state_words() {
  static const std::vector<std::string> words = {"up",          "suspect", "lost",        "left",
                                                 "unreachable", "pending", "starting",    "running",
                                                 "stopping",    "stopped", "backing_off", "exited",
                                                 "failed",      "down",    "presumed"};
  return words;
}

bool is_glob_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-' ||
         c == '/' || c == '*';
}

tl::unexpected<Error> refuse(std::string what, std::size_t column, std::string why,
                             std::string hint = {}) {
  return failure(std::move(what), "column " + std::to_string(column), std::move(why),
                 std::move(hint));
}

template <class Visit>
void walk(const Mirror::Node& node, Visit& visit) {
  visit(node);
  for (const auto& child : node.children()) walk(*child, visit);
}

template <class Visit>
void each_target(const Mirror::Node& node, Visit&& visit) {
  for (const auto& name : node.target_names()) visit(TargetRef{&node, name});
}

// What a short name could mean: nodes, and targets by the path of their group of instances.
struct Meanings {
  std::vector<const Mirror::Node*> nodes;
  std::set<std::string> groups;
  std::size_t node_targets = 0;   // of the last node found
  std::size_t group_targets = 0;  // of all groups

  // A node whose only targets carry its name means the same as they do.
  bool agree() const {
    if (nodes.size() + groups.size() <= 1) return true;
    if (nodes.size() != 1 || groups.size() != 1) return false;
    const auto [parent, name] = split_last(*groups.begin());
    return parent == nodes[0]->path() && node_targets == group_targets;
  }
  std::vector<std::string> paths() const {
    std::vector<std::string> all(groups.begin(), groups.end());
    for (const auto* node : nodes) all.push_back(node->path());
    for (auto& path : all) {
      if (path.find('/') == std::string::npos) path.insert(0, "/");  // so that it is no short name
    }
    std::sort(all.begin(), all.end());
    return all;
  }
};

}  // namespace

std::string TargetRef::path() const { return join_path(node->path(), name); }

v1::TargetFact TargetRef::fact() const {
  auto found = node->target(name);
  return found ? *std::move(found) : v1::TargetFact();
}

bool is_left(const Mirror::Node& node) {
  for (const Mirror::Node* at = &node; at->parent() != nullptr; at = at->parent()) {
    if (at->link_state() == v1::LINK_STATE_LEFT) return true;
  }
  return false;
}

std::string label_of(const TargetRef& target, const std::string& key) {
  const auto own = target.fact();
  if (const auto it = own.labels().find(key); it != own.labels().end()) return it->second;
  const auto node = target.node->fact();
  if (!node) return {};
  const auto it = node->labels().find(key);
  return it == node->labels().end() ? std::string() : it->second;
}

bool glob_matches(std::string_view glob, std::string_view path) {
  std::string_view retry_glob;
  std::string_view retry_path;
  bool starred = false;
  while (true) {
    if (glob.empty() && path.empty()) return true;
    const auto [wanted, glob_rest] = split_first(glob);
    const auto [name, path_rest] = split_first(path);
    if (wanted == "**") {
      if (glob_rest.empty()) return true;
      starred = true;
      retry_glob = glob = glob_rest;
      retry_path = path;
    } else if (!glob.empty() && !path.empty() && name_matches(wanted, name)) {
      glob = glob_rest;
      path = path_rest;
    } else if (starred && !retry_path.empty()) {
      retry_path = split_first(retry_path).second;
      glob = retry_glob;
      path = retry_path;
    } else {
      return false;
    }
  }
}

bool Selector::Glob::matches(const Mirror::Node& node) const {
  if (brief) return node.name() == text && node.parent() != nullptr;
  return wild ? glob_matches(text, node.path()) : node.path() == text;
}

bool Selector::Glob::matches(const TargetRef& target) const {
  if (!wild && matches(*target.node)) return true;
  if (brief) return target.name == text || instance_base(*target.node, target.name) == text;
  const auto fits = [&](const std::string& path) {
    return wild ? glob_matches(text, path) : path == text;
  };
  if (fits(target.path())) return true;
  const auto base = instance_base(*target.node, target.name);
  return !base.empty() && fits(join_path(target.node->path(), base));
}

Result<Selector> Selector::parse(std::string_view text) {
  Selector selector;
  bool labels_follow = false;
  std::size_t at = 0;
  while ((at = text.find_first_not_of(blanks, at)) != std::string_view::npos) {
    const auto end = std::min(text.find_first_of(blanks, at), text.size());
    const auto word = text.substr(at, end - at);
    Status status;
    if (labels_follow) {
      labels_follow = false;
      status = selector.add_labels(word, at + 1);
    } else {
      status = selector.add_items(word, at + 1, labels_follow);
    }
    if (!status) return tl::unexpected<Error>(std::move(status.error()));
    at = end;
  }
  if (labels_follow) return refuse("-l without labels", text.size(), "", "write -l key=value");
  const bool blank = text.find_first_not_of(blanks) == std::string_view::npos;
  if (!blank && selector.everything())
    return refuse("an empty selector", 1, "", "write ** for all");
  return selector;
}

Status Selector::add_items(std::string_view word, std::size_t column, bool& labels_follow) {
  if (word.size() > 2 && word.starts_with("-l")) return add_labels(word.substr(2), column + 2);
  while (!word.empty()) {
    const auto comma = std::min(word.find(','), word.size());
    const auto item = word.substr(0, comma);
    if (labels_follow) return refuse("-l needs its own word", column, "", "write -l key=value");
    if (item == "-l") {
      labels_follow = true;
    } else if (!item.empty()) {
      const auto status =
          item[0] == '@' ? add_state(item.substr(1), column) : add_glob(item, column);
      if (!status) return status;
    }
    column += comma + 1;
    word.remove_prefix(std::min(comma + 1, word.size()));
  }
  return {};
}

Status Selector::add_glob(std::string_view item, std::size_t column) {
  Glob glob;
  for (char c : item) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');  // names are in lower case
    if (c == '=')
      return refuse("not a path", column, std::string(item), "labels are given with -l");
    if (!is_glob_byte(c)) {
      return refuse("not a path", column, visible(item), "names are made of a-z 0-9 . _ -");
    }
    glob.text += c;
  }
  if (globs_.size() >= max_items) return refuse("too many paths", column, "at most 1000");
  const bool rooted = glob.text[0] == '/';
  while (!glob.text.empty() && glob.text.back() == '/') glob.text.pop_back();
  if (rooted && !glob.text.empty()) glob.text.erase(0, 1);
  if (glob.text.find("//") != std::string::npos || glob.text.starts_with('/')) {
    return refuse("an empty name", column, std::string(item), "write one / between names");
  }
  for (const auto name : split_path(glob.text)) {
    if (name != "**" && name.find("**") != std::string_view::npos) {
      return refuse("** inside a name", column, std::string(item), "* matches inside a name");
    }
  }
  glob.wild = glob.text.find('*') != std::string::npos;
  glob.brief = !rooted && !glob.wild && glob.text.find('/') == std::string::npos;
  globs_.push_back(std::move(glob));
  return {};
}

Status Selector::add_labels(std::string_view word, std::size_t column) {
  while (!word.empty()) {
    const auto comma = std::min(word.find(','), word.size());
    const auto item = word.substr(0, comma);
    const auto sign = item.find('=');
    const bool unequal = sign != std::string_view::npos && sign > 0 && item[sign - 1] == '!';
    const auto key = item.substr(0, sign == std::string_view::npos ? 0 : sign - (unequal ? 1 : 0));
    if (key.empty()) {
      return refuse("not a label", column, visible(item), "write key=value or key!=value");
    }
    if (labels_.size() >= max_items) return refuse("too many labels", column, "at most 1000");
    labels_.push_back({std::string(key), std::string(item.substr(sign + 1)), !unequal});
    column += comma + 1;
    word.remove_prefix(std::min(comma + 1, word.size()));
  }
  return {};
}

Status Selector::add_state(std::string_view name, std::size_t column) {
  const auto& words = state_words();
  if (std::find(words.begin(), words.end(), name) == words.end()) {
    const auto near = did_you_mean(name, words);
    return refuse(
        "not a state", column, "@" + visible(name),
        near ? "did you mean @" + *near + "?" : "states are @up @lost @running @down ...");
  }
  states_.emplace_back(name);
  return {};
}

bool Selector::fits_labels(const Mirror::Node& node) const {
  return std::all_of(labels_.begin(), labels_.end(), [&](const Label& label) {
    const auto fact = node.fact();
    const bool known = fact && fact->labels().contains(label.key);
    const std::string value = known ? fact->labels().at(label.key) : std::string();
    return (value == label.value) == label.equal;
  });
}

bool Selector::fits_labels(const TargetRef& target) const {
  return std::all_of(labels_.begin(), labels_.end(), [&](const Label& label) {
    return (label_of(target, label.key) == label.value) == label.equal;
  });
}

bool Selector::passes(const Mirror::Node& node) const {
  if (!fits_labels(node)) return false;
  if (is_left(node)) return std::count(states_.begin(), states_.end(), "left") > 0;
  return states_.empty() || std::any_of(states_.begin(), states_.end(), [&](const auto& state) {
           return state_passes(node, state);
         });
}

bool Selector::passes(const TargetRef& target) const {
  if (!fits_labels(target)) return false;
  if (is_left(*target.node)) return std::count(states_.begin(), states_.end(), "left") > 0;
  return states_.empty() || std::any_of(states_.begin(), states_.end(), [&](const auto& state) {
           return state_passes(target, state);
         });
}

bool Selector::selects(const Mirror::Node& node) const {
  if (everything()) return true;
  const auto fits = [&](const Glob& glob) { return glob.matches(node); };
  return (globs_.empty() || std::any_of(globs_.begin(), globs_.end(), fits)) && passes(node);
}

bool Selector::selects(const TargetRef& target) const {
  if (everything()) return true;
  const auto fits = [&](const Glob& glob) { return glob.matches(target); };
  return (globs_.empty() || std::any_of(globs_.begin(), globs_.end(), fits)) && passes(target);
}

bool Selector::names(const Mirror::Node& node) const {
  const auto fits = [&](const Glob& glob) { return glob.matches(node); };
  return (globs_.empty() || std::any_of(globs_.begin(), globs_.end(), fits)) && fits_labels(node);
}

bool Selector::names(const TargetRef& target) const {
  const auto fits = [&](const Glob& glob) { return glob.matches(target); };
  return (globs_.empty() || std::any_of(globs_.begin(), globs_.end(), fits)) && fits_labels(target);
}

bool Selector::selects(const Mirror& mirror, std::string_view path) const {
  if (everything()) return true;
  if (const Mirror::Node* node = mirror.find(path)) return selects(*node);
  const auto [parent, name] = split_last(path);
  if (const Mirror::Node* node = mirror.find(parent)) {
    if (node->has_target(name)) return selects(TargetRef{node, std::string(name)});
  }
  if (!labels_.empty() || !states_.empty()) return false;
  return std::any_of(globs_.begin(), globs_.end(), [&, name = name](const Glob& glob) {
    return glob.brief ? glob.text == name : glob_matches(glob.text, path);
  });
}

Selection Selector::select(const Mirror& mirror) const {
  Selection selection;
  for (const Glob& glob : globs_) {
    if (!glob.brief) continue;
    Meanings meanings;
    auto collect = [&](const Mirror::Node& node) {
      const bool named = glob.matches(node) && passes(node);
      if (named) {
        meanings.nodes.push_back(&node);
        meanings.node_targets = node.target_count();
      }
      each_target(node, [&](const TargetRef& target) {
        const auto base = instance_base(node, target.name);
        const bool whole = target.name == glob.text;
        if ((!whole && (base.empty() || base != glob.text)) || !passes(target)) return;
        meanings.groups.insert(join_path(node.path(), glob.text));
        ++meanings.group_targets;
      });
    };
    walk(mirror.top(), collect);
    if (meanings.agree()) continue;
    selection.ambiguous = glob.text;
    selection.candidates = meanings.paths();
    return selection;
  }
  auto take = [&](const Mirror::Node& node) {
    if (node.parent() != nullptr && selects(node)) selection.nodes.push_back(&node);
    each_target(node, [&](const TargetRef& target) {
      if (selects(target)) selection.targets.push_back(target);
    });
  };
  walk(mirror.top(), take);
  return selection;
}

}  // namespace banyan::tree
