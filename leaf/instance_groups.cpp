#include "leaf/instance_groups.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "common/base/check.h"
#include "common/base/name.h"

namespace banyan::leaf {

InstanceGroups::InstanceGroups(std::vector<TargetConfig> configs, ScaledGroups scaled)
    : scaled_(std::move(scaled)) {
  configure(std::move(configs));
}

void InstanceGroups::configure(std::vector<TargetConfig> configs) {
  order_.clear();
  groups_.clear();
  for (TargetConfig& config : configs) {
    if (config.group.empty()) config.group = config.name;
    Group& group = groups_[config.group];
    if (group.file.empty()) order_.push_back(config.group);
    group.file.push_back(std::move(config));
  }
  for (auto& [name, group] : groups_) {
    group.wanted = static_cast<unsigned>(group.file.size());
    const auto said = scaled_.find(name);
    if (said == scaled_.end()) continue;
    const auto wanted = said->second.wanted;
    const bool holds = said->second.file == group.wanted && objection(group, wanted).empty();
    if (holds) {
      group.wanted = wanted;
    } else {
      scaled_.erase(said);
    }
  }
  std::erase_if(scaled_, [this](const auto& said) { return !groups_.contains(said.first); });
}

std::string InstanceGroups::name_of(const Group& group, unsigned number) const {
  if (number <= group.file.size()) return group.file[number - 1].name;
  return fmt::format("{}.{}", group.file[0].group, number);
}

std::vector<std::string> InstanceGroups::names_of(const Group& group, unsigned count) const {
  std::vector<std::string> names;
  for (unsigned number = 1; number <= std::max(count, 1U); ++number) {
    names.push_back(name_of(group, number));
  }
  return names;
}

// What names the whole group in the file names the whole group as it is now.
std::vector<std::string> InstanceGroups::depends_of(const TargetConfig& config) const {
  if (config.depends.empty()) return {};
  std::set<std::string> names(config.depends.begin(), config.depends.end());
  for (const auto& [group_name, group] : groups_) {
    const bool scaled = group.wanted != group.file.size();
    if (!scaled || group_name == config.group) continue;
    const bool whole = std::all_of(group.file.begin(), group.file.end(),
                                   [&](const auto& each) { return names.contains(each.name); });
    if (!whole) continue;
    for (const TargetConfig& each : group.file) names.erase(each.name);
    for (std::string& name : names_of(group, group.wanted)) names.insert(std::move(name));
  }
  return {names.begin(), names.end()};
}

std::vector<TargetConfig> InstanceGroups::targets() const {
  std::vector<TargetConfig> all;
  for (const std::string& name : order_) {
    const Group& group = groups_.at(name);
    for (unsigned number = 1; number <= std::max(group.wanted, 1U); ++number) {
      const bool in_file = number <= group.file.size();
      TargetConfig config = in_file ? group.file[number - 1] : group.file[0];
      config.name = name_of(group, number);
      config.depends = depends_of(config);
      if (group.wanted == 0) config.autostart = false;
      all.push_back(std::move(config));
    }
  }
  return all;
}

std::string InstanceGroups::objection(const Group& group, unsigned wanted) const {
  if (wanted > max_instances) {
    return fmt::format("{} instances, at most {} are allowed", wanted, max_instances);
  }
  const auto names = names_of(group, wanted);
  if (names.back().size() > max_name_length) return names.back() + " is too long for a name";
  std::size_t total = 0;
  for (const auto& [name, each] : groups_) {
    if (&each == &group) continue;
    const auto others = names_of(each, each.wanted);
    total += others.size();
    for (const std::string& other : others) {
      const bool taken = std::find(names.begin(), names.end(), other) != names.end();
      if (taken) return other + " is another target of this leaf";
    }
  }
  if (total + names.size() > max_targets) {
    return fmt::format("{} targets in all, at most {} are allowed", total + names.size(),
                       max_targets);
  }
  return {};
}

Result<InstanceGroups::Change> InstanceGroups::scale(const std::string& name, unsigned wanted) {
  const auto found = groups_.find(name);
  if (found == groups_.end()) return failure("no such target");
  Group& group = found->second;
  if (auto why = objection(group, wanted); !why.empty()) return failure(why);
  Change change;
  change.before = group.wanted;
  const auto before = names_of(group, group.wanted);
  const auto after = names_of(group, wanted);
  const std::size_t same = std::min(before.size(), after.size());
  for (std::size_t i = 0; i < same; ++i) change.kept.push_back(after[i]);
  for (std::size_t i = same; i < after.size(); ++i) change.added.push_back(after[i]);
  for (std::size_t i = before.size(); i > same; --i) change.removed.push_back(before[i - 1]);
  group.wanted = wanted;
  const auto in_file = static_cast<unsigned>(group.file.size());
  if (wanted == in_file) {
    scaled_.erase(name);
  } else {
    scaled_[name] = {in_file, wanted};
  }
  return change;
}

}  // namespace banyan::leaf
