#include "leaf/io/depends_resolver.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "common/base/text.h"

namespace banyan::leaf::io {
namespace {

using banyan::io::ConfigProblems;

class Resolver {
 public:
  Resolver(std::vector<TargetConfig>& targets, const TargetPlaces& known, ConfigProblems& problems)
      : known_(known), problems_(problems) {
    for (auto& target : targets) by_name_[target.name] = &target;
  }

  void resolve() {
    for (auto& [name, target] : by_name_) spell_out(*target);
    for (auto& [name, target] : by_name_) find_circle(*target);
  }

 private:
  void spell_out(TargetConfig& target) {
    std::vector<std::string> names;
    for (const auto& wished : target.depends) {
      const auto several = known_.instances.find(wished);
      if (several != known_.instances.end()) {
        names.insert(names.end(), several->second.begin(), several->second.end());
      } else if (by_name_.contains(wished)) {
        names.push_back(wished);
      } else {
        refuse(target, unknown(wished));
      }
    }
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    target.depends = std::move(names);
  }

  std::string unknown(const std::string& wished) const {
    std::vector<std::string> names;
    for (const auto& [name, target] : by_name_) names.push_back(name);
    auto text = fmt::format("depends on \"{}\", which is no target of this leaf", wished);
    if (const auto near = did_you_mean(wished, names)) {
      text += fmt::format("; did you mean \"{}\"?", *near);
    }
    return text;
  }

  // Depth first, with the way walked in `way_`; each target is walked from once.
  void find_circle(TargetConfig& target) {
    if (std::find(way_.begin(), way_.end(), target.name) != way_.end()) {
      tell_circle(target);
      return;
    }
    if (!walked_.insert(target.name).second) return;
    way_.push_back(target.name);
    for (const auto& needed : target.depends) find_circle(*by_name_.at(needed));
    way_.pop_back();
  }

  void tell_circle(const TargetConfig& target) {
    std::string circle;
    for (auto at = std::find(way_.begin(), way_.end(), target.name); at != way_.end(); ++at) {
      circle += *at + " -> ";
    }
    refuse(target, "depends in a circle: " + circle + target.name);
  }

  void refuse(const TargetConfig& target, const std::string& text) {
    const auto place = known_.places.find(target.name);
    if (place == known_.places.end()) return;
    add_problem(problems_, place->second, fmt::format("target \"{}\" {}", target.name, text));
  }

  const TargetPlaces& known_;
  ConfigProblems& problems_;
  std::map<std::string, TargetConfig*> by_name_;
  std::set<std::string> walked_;
  std::vector<std::string> way_;
};

}  // namespace

void resolve_depends(std::vector<TargetConfig>& targets, const TargetPlaces& known,
                     ConfigProblems& problems) {
  Resolver{targets, known, problems}.resolve();
}

}  // namespace banyan::leaf::io
