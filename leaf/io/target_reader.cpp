#include "leaf/io/target_reader.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "common/base/name.h"
#include "common/io/config_document.h"
#include "leaf/io/allow_fields.h"
#include "leaf/io/depends_resolver.h"
#include "leaf/io/policy_fields.h"
#include "leaf/io/process_fields.h"
#include "leaf/io/target_fields.h"

namespace banyan::leaf::io {
namespace {

using banyan::io::ConfigInput;
using banyan::io::ConfigPlace;
using banyan::io::ConfigProblems;
using banyan::io::ConfigRange;
using banyan::io::ConfigReader;
using banyan::io::ConfigRole;
using banyan::io::ForeignKeys;
using banyan::io::TomlKind;
using banyan::io::TomlValue;

constexpr std::size_t max_targets = 10'000;
constexpr std::int64_t max_tail = 1'000'000'000;
constexpr std::int64_t max_instances = 1'000;
constexpr ConfigRange<std::uint64_t> spill_range{4096, 1ULL << 40};
constexpr ConfigRange<std::uint64_t> segment_range{4096, 1ULL << 40};

ForeignKeys later_target_keys() { return {{"state"}, {}}; }

class TargetReader {
 public:
  TargetReader(const TomlValue& table, ConfigProblems& problems)
      : table_(table), problems_(problems), reader_(table, "", problems) {}

  TargetConfig read() {
    reader_.read_string_map("labels", target_.labels);
    read_name();
    if (table_.find("command") == nullptr) {
      reader_.refuse_key("command", "a target without command; add command = [\"PROGRAM\"]");
    }
    field("command", target_.command, command_of);
    reader_.read_string("cwd", target_.cwd);
    read_environment();
    read_process(reader_, problems_, target_.process);
    field("umask", target_.umask, umask_of);
    reader_.read_bool("autostart", target_.autostart);
    read_restart();
    read_policy(reader_, problems_, target_);
    reader_.read_integer("instances", {1, max_instances}, instances_);
    if (target_.name.size() + 5 > max_name_length && instances_ > 1) {
      reader_.refuse_key("instances", "the name is too long for numbers behind it");
    }
    read_log();
    std::size_t death = 0;
    reader_.read_choice("on_agent_death", {"keep", "kill"}, death);
    target_.on_agent_death = death == 0 ? AgentDeath::keep : AgentDeath::kill;
    reader_.finish(later_target_keys());
    return std::move(target_);
  }
  std::int64_t instances() const { return instances_; }  // 1 = the target itself

 private:
  template <class T, class Parse>
  void field(std::string_view key, T& out, Parse parse) {
    const auto* value = reader_.take(key);
    if (value == nullptr) return;
    auto found = parse(*value);
    if (found) {
      out = std::move(*found);
    } else {
      const auto& error = found.error();
      reader_.refuse(key, *value, error.hint.empty() ? error.what : error.what + "; " + error.hint);
    }
  }

  void read_name() {
    std::string title;
    if (table_.find("name") == nullptr) {
      reader_.refuse_key("name", "a target without name; add name = \"NAME\"");
    }
    if (!reader_.read_string("name", title)) return;
    if (title.empty()) reader_.refuse_key("name", "name = \"\": expected a letter or digit");
    target_.name = mend_name(title);
    if (target_.name != title) target_.labels.emplace("title", title);
  }

  void read_environment() {
    reader_.read_string_map("env", target_.env);
    for (const auto& [name, value] : target_.env) {
      const bool wrong =
          name.empty() || name.find_first_of(std::string_view{"=\0", 2}) != name.npos;
      const bool taken = name == "BANYAN_TARGET" || name == "BANYAN_SOCKET";
      if (wrong) reader_.refuse_key("env", "env: a name is not empty and has no \"=\" in it");
      if (taken) reader_.refuse_key("env", fmt::format("env.{} is set by banyan itself", name));
    }
  }

  void read_restart() {
    std::size_t policy = 0;
    reader_.read_choice("restart", {"always", "on-failure", "never"}, policy);
    constexpr RestartPolicy policies[] = {RestartPolicy::always, RestartPolicy::on_failure,
                                          RestartPolicy::never};
    target_.restart = policies[policy];
    field("success_codes", target_.success_codes, exit_codes_of);
    field("backoff", target_.backoff, backoff_of);
    field("max_restarts", target_.max_restarts, intensity_of);
  }

  void read_log() {
    const auto* table = reader_.take("log");
    if (table == nullptr) return;
    if (table->kind != TomlKind::table) {
      return reader_.refuse("log", *table, "expected a table, like log = { max_size = \"64MiB\" }");
    }
    ConfigReader log{*table, "log.", problems_};
    log.read_size("max_size", segment_range, target_.log.max_size);
    std::int64_t files = target_.log.max_files;
    log.read_integer("max_files", {1, 10'000}, files);
    target_.log.max_files = static_cast<unsigned>(files);
    log.finish({{"max_age", "on_full", "parse", "rate"}, {}});
  }

  const TomlValue& table_;
  ConfigProblems& problems_;
  ConfigReader reader_;
  TargetConfig target_;
  std::int64_t instances_ = 1;
};

class LeafReader {
 public:
  LeafReader(ConfigReader& reader, LeafConfig& leaf) : reader_(reader), leaf_(leaf) {}

  void read() {
    reader_.read_integer("bufsize", {1, max_tail}, leaf_.log_tail);
    reader_.read_bool("keeper", leaf_.keeper);
    reader_.read_size("spill_max", spill_range, leaf_.spill_max);
    read_allow(reader_, leaf_.allow);
    read_short_form();
    read_targets();
    reader_.read_bool("run", leaf_.run);
    if (leaf_.run && leaf_.targets.size() != 1 && leaf_.problems.empty()) {
      reader_.refuse_key("run", "run = true: only with exactly one target");
    }
    read_rewrite();
    resolve_depends(leaf_.targets, places_, leaf_.problems);
    if (leaf_.keeper) {
      refuse_passed_output();
    } else {
      refuse_ends_by_keeper();
    }
  }

 private:
  void read_rewrite() {
    const auto* value = reader_.take("rewrite");
    if (value == nullptr) return;
    const auto rewrites = rewrites_of(*value);
    if (!rewrites) {
      const auto& error = rewrites.error();
      return reader_.refuse("rewrite", *value, error.what + "; " + error.hint);
    }
    if (!leaf_.run) return reader_.refuse_key("rewrite", "rewrite: only with run = true");
    leaf_.rewrite = *rewrites;
  }

  void refuse_passed_output() {
    for (const auto& target : leaf_.targets) {
      if (!target.process.pass_output) continue;
      reader_.refuse_key("keeper", fmt::format("keeper = true: {} has pass_output = true, which "
                                               "needs keeper = false",
                                               target.name));
    }
  }

  void refuse_ends_by_keeper() {
    for (const auto& target : leaf_.targets) {
      if (target.on_agent_death == AgentDeath::keep) continue;
      reader_.refuse_key("keeper", fmt::format("keeper = false: nobody could end {} when the agent "
                                               "dies, as its on_agent_death = \"kill\" asks for",
                                               target.name));
    }
  }

  void read_short_form() {
    std::string app_name;
    const bool named = reader_.read_string("app_name", app_name);
    const auto* target = reader_.take("target");
    if (target == nullptr) {
      if (named) {
        reader_.refuse_key("app_name", "app_name without target; add target = \"COMMAND\"");
      }
      return;
    }
    const auto command = command_of(*target);
    if (!command) {
      const auto& error = command.error();
      return reader_.refuse("target", *target,
                            error.hint.empty() ? error.what : error.what + "; " + error.hint);
    }
    TargetConfig config;
    config.command = *command;
    const auto& program = config.command[0];
    const auto title =
        named && !app_name.empty() ? app_name : program.substr(program.rfind('/') + 1);
    config.name = mend_name(title);
    config.group = config.name;
    if (config.name != title) config.labels.emplace("title", title);
    add(std::move(config), target->place);
  }

  void read_targets() {
    const auto* list = reader_.take("targets");
    if (list == nullptr) return;
    if (list->kind != TomlKind::array) {
      return reader_.refuse("targets", *list, "expected tables, each under [[targets]]");
    }
    for (const auto& item : list->items) {
      if (item.kind == TomlKind::table) {
        TargetReader reader{item, leaf_.problems};
        auto target = reader.read();
        add_instances(std::move(target), reader.instances(), item.place);
      } else {
        reader_.refuse("targets", item, "expected tables, each under [[targets]]");
      }
    }
    if (leaf_.targets.size() > max_targets) {
      reader_.refuse("targets", *list, "more than 10000 targets");
    }
  }

  void add_instances(TargetConfig config, std::int64_t count, const ConfigPlace& place) {
    config.group = config.name;
    if (config.name.empty() || count == 1) return add(std::move(config), place);
    const auto name = config.name;
    for (std::int64_t number = 1; number <= count; ++number) {
      config.name = fmt::format("{}.{}", name, number);
      places_.instances[name].push_back(config.name);
      add(config, place);
    }
  }

  void add(TargetConfig config, const ConfigPlace& place) {
    if (config.name.empty()) return;  // already a problem
    const auto [first, is_new] = places_.places.emplace(config.name, place);
    if (is_new) {
      leaf_.targets.push_back(std::move(config));
    } else {
      add_problem(leaf_.problems, place,
                  fmt::format("two targets are named \"{}\": this one and the one at {}",
                              config.name, first->second.text()));
    }
  }

  ConfigReader& reader_;
  LeafConfig& leaf_;
  TargetPlaces places_;
};

// Keys of a target that stand at the top by mistake.
ForeignKeys foreign_leaf_keys() {
  auto keys = banyan::io::foreign_node_keys(ConfigRole::leaf);
  for (const auto key :
       {"command", "cwd", "env", "umask", "autostart", "restart", "success_codes", "backoff",
        "max_restarts", "stop_signal", "stop_timeout", "on_agent_death"}) {
    keys.elsewhere[key] = "a target: write it under [[targets]]";
  }
  return keys;
}

}  // namespace

LeafConfig load_leaf_config(const ConfigInput& input) {
  LeafConfig leaf;
  leaf.problems = input.problems;
  const auto document = banyan::io::merge_config(input, leaf.problems);
  ConfigReader reader{document, "", leaf.problems};
  leaf.node = banyan::io::read_node_config(reader, ConfigRole::leaf, input);
  LeafReader{reader, leaf}.read();
  reader.finish(foreign_leaf_keys());
  banyan::io::sort_problems(leaf.problems);
  return leaf;
}

}  // namespace banyan::leaf::io
