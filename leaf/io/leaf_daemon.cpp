#include "leaf/io/leaf_daemon.h"

#include <csignal>
#include <utility>

#include <fmt/format.h>

#include "common/io/clock.h"
#include "common/io/config_input.h"
#include "common/io/link_security.h"
#include "leaf/io/target_reader.h"
#include "leaf/run_outcome.h"

namespace banyan::leaf {
namespace {

using banyan::io::read_clock;

constexpr Duration hook_patience = seconds{5};  // at the leaf's end

banyan::io::HttpOptions http_options(const banyan::io::StateDir& state_dir) {
  banyan::io::HttpOptions options;
  options.host = "";
  options.unix_path = state_dir.file("http.sock");
  return options;
}

}  // namespace

LeafDaemon::LeafDaemon(Setting setting)
    : options_(std::move(setting.options)),
      config_(setting.leaf.node),
      replaced_(std::move(setting.replaced)),
      lock_(setting.state_dir.lock_descriptor()),
      logger_({banyan::io::log_level_from(config_.log_level), config_.silent}),
      leaf_(std::move(setting.leaf), setting.identity),
      wanted_(setting.state_dir.file("wanted")),
      marks_(setting.state_dir.file("commands")),
      spool_(setting.spool),
      loop_({[this] { return leaf_.next_deadline(); },
             [this](Now now) { turn(tree::LinkEvent(tree::TimeReached{}), now); },
             [this](int number) { on_signal(number); }}),
      parent_(loop_.context(), [this](auto event) { turn(event, read_clock()); }),
      performer_({loop_, logger_, nullptr, &parent_}),
      host_(loop_.context(), setting.identity.instance, setting.state_dir.path(), host_hooks()),
      http_(loop_.context(), http_options(setting.state_dir),
            [this](auto event) { turn(event, read_clock()); }),
      upgrade_(loop_.context(), options_.invocation, upgrade_hooks()),
      only_(loop_.context(),
            {[this](int number) {
               const auto& name = only_.target().name;
               const auto* status = leaf_.supervisor().find(name);
               if (status == nullptr) return;
               host_.perform(ProcessEffect(SignalProcess{name, status->generation, number, true}));
             },
             [this](int first_signal) {
               TargetConfig target = only_.target();
               if (first_signal != 0) {
                 target.stop_signal = first_signal;
                 change({std::move(target)});
               }
               stop();
             }}) {}

TargetHostHooks LeafDaemon::host_hooks() {
  TargetHostHooks hooks;
  hooks.process = [this](const ProcessEvent& event) { on_process(event, read_clock()); };
  hooks.check = [this](CheckEvent event) { turn(std::move(event), read_clock()); };
  hooks.usage = [this](UsageSampled event) { turn(std::move(event), read_clock()); };
  hooks.log = [this](LogEvent event) { turn(std::move(event), read_clock()); };
  hooks.trouble = [this](const std::string& text) { warn(text); };
  hooks.collected = [this](int pid) { return upgrade_.collect(pid); };
  hooks.orphan_reaped = [this](int pid, std::uint64_t total) {
    logger_.write(tree::LogLevel::info, fmt::format("orphan reaped pid={} total={}", pid, total));
  };
  return hooks;
}

Status LeafDaemon::open(const v1::Handover& handover, const std::vector<TargetConfig>& targets) {
  if (auto safe = banyan::io::protect_parent(parent_, config_); !safe) return safe;
  if (auto opened = host_.open(handover); !opened) return opened;
  merged_ = host_.merge_spill(targets);
  host_.take_pipes(handover, targets);
  host_.start_packing();
  return {};
}

void LeafDaemon::take_over(const KeeperPlace& place, KeeperLink link,
                           const std::vector<TargetConfig>& targets) {
  found_ = fmt::format("keeper pid={} processes={} spilled_bytes={} dropped_bytes={}", link.pid,
                       link.runs.size(), merged_.bytes, merged_.dropped);
  host_.use_keeper(place, std::move(link), targets);
}

void LeafDaemon::take_children(std::vector<KeptRun> children,
                               const std::vector<TargetConfig>& targets) {
  if (!children.empty()) found_ = fmt::format("processes={} taken over", children.size());
  host_.take_children(std::move(children), targets);
}

void LeafDaemon::run_only(const TargetConfig& target, const std::map<int, int>& rewrite) {
  only_.begin(target, rewrite);
}

std::string LeafDaemon::introduction(std::size_t targets) const {
  const std::string parent = config_.parents.empty() ? "none"
                                                     : fmt::format("{}:{}", config_.parents[0].host,
                                                                   config_.parents[0].port);
  return fmt::format("name={} targets={} parent={}", config_.name, targets, parent);
}

// Targets matter more than their being asked about at this very host.
void LeafDaemon::serve() {
  const auto served = http_.listen();
  if (!served) warn("no API of this leaf: " + served.error().text());
}

int LeafDaemon::run(std::size_t targets) {
  const std::string here = introduction(targets);
  logger_.write(tree::LogLevel::info, here + " try=\"banyan get targets\" at the root");
  if (!found_.empty()) logger_.write(tree::LogLevel::info, found_);
  if (config_.security.has_keys() && config_.security.commands.keys.empty()) {
    warn("no security.command_keys: this leaf obeys whatever its parent passes on, signed or not");
  }
  logger_.write(tree::LogLevel::info, host_.description());
  serve();
  warn(spool_.begin(leaf_.events()));
  loop_.notify_ready(here);
  LeafEffects effects;
  leaf_.start(read_clock(), effects);
  perform(effects);
  if (spool_.lost() > 0) {
    note(banyan::io::events_lost_event(spool_.lost()));
  }
  if (!replaced_.empty()) note(banyan::io::upgraded_event(replaced_));
  const int code = loop_.run();
  host_.close(hook_patience);
  const auto* status = leaf_.supervisor().find(only_.target().name);
  const auto outcome = status == nullptr ? std::nullopt : run_outcome(*status);
  return outcome.value_or(code);
}

template <class Event>
void LeafDaemon::turn(Event event, Now now) {
  LeafEffects effects;
  leaf_.handle(std::move(event), now, effects);
  end_when_over(now, effects);
  perform(effects);
  loop_.rearm();
}

// What is to be done goes first: no process waits until its story is told.
void LeafDaemon::on_process(const ProcessEvent& event, Now now) {
  LeafEffects effects;
  leaf_.act(event, now, effects);
  perform_processes(effects);
  leaf_.tell(now, effects);
  end_when_over(now, effects);
  perform(effects);
  loop_.rearm();
}

void LeafDaemon::end_when_over(Now now, LeafEffects& effects) {
  const auto* status = leaf_.supervisor().find(only_.target().name);
  if (over_ || status == nullptr || !run_outcome(*status)) return;
  over_ = true;
  leaf_.stop(now, effects);
}

void LeafDaemon::perform_processes(LeafEffects& effects) {
  for (const auto& effect : std::exchange(effects.processes, {})) host_.perform(effect);
}

void LeafDaemon::keep_marks(LeafEffects& effects) {
  const Status kept = marks_.store(std::exchange(effects.marks, {}).back());
  if (!kept) logger_.write(tree::LogLevel::error, kept.error().text());
  leaf_.handle(MarksKept{kept ? "" : kept.error().text()}, read_clock(), effects);
}

void LeafDaemon::perform(LeafEffects& effects) {
  if (!effects.marks.empty()) keep_marks(effects);
  warn(spool_.keep(effects.spool, leaf_.events()));
  for (const auto& memory : effects.memories) host_.remember(memory);
  perform_processes(effects);
  for (const auto& effect : effects.checks) host_.perform(effect);
  for (const auto& effect : effects.samples) host_.perform(effect);
  for (const auto& effect : effects.logs) host_.perform(effect);
  if (!effects.wanted.empty()) {
    const auto& last = effects.wanted.back();
    const Status kept = wanted_.store({last.wanted, last.scaled});
    if (!kept) logger_.write(tree::LogLevel::error, kept.error().text());
  }
  performer_.perform(effects.links);
  for (tree::HttpEffect& effect : effects.http) http_.perform(std::move(effect));
}

void LeafDaemon::warn(const std::string& text) {
  if (!text.empty()) logger_.write(tree::LogLevel::warning, text);
}

void LeafDaemon::note(const tree::OwnEvent& event) {
  logger_.write(tree::LogLevel::info, fmt::format("event={} {}", event.kind, event.text));
  LeafEffects effects;
  leaf_.note(event, read_clock(), effects);
  perform(effects);
  loop_.rearm();
}

// A configuration with problems changes nothing.
void LeafDaemon::reload() {
  const auto input = banyan::io::gather_config(options_.config, options_.sets);
  auto loaded = leaf::io::load_leaf_config(input);
  for (const auto& problem : loaded.problems) {
    logger_.write(tree::LogLevel::error, "reload: " + problem.text);
  }
  if (!loaded.problems.empty()) {
    logger_.write(tree::LogLevel::error, "event=reload_refused: nothing was changed");
    return;
  }
  leaf_.allow(std::move(loaded.allow));
  change(std::move(loaded.targets));
}

void LeafDaemon::change(std::vector<TargetConfig> targets) {
  LeafEffects effects;
  leaf_.reload(std::move(targets), read_clock(), effects);
  perform(effects);
  loop_.rearm();
}

void LeafDaemon::stop() {
  logger_.write(tree::LogLevel::info, "leaving: asked to by a signal");
  loop_.notify_stopping();
  leaving_ = true;
  LeafEffects effects;
  const Now now = read_clock();
  leaf_.act_stop(now, effects);
  perform_processes(effects);
  leaf_.tell(now, effects);
  perform(effects);
  loop_.rearm();
}

void LeafDaemon::on_signal(int number) {
  if (only_.active()) {
    only_.on_signal(number);
  } else if (number == SIGHUP) {
    reload();
  } else if (number == SIGUSR2) {
    logger_.write(tree::LogLevel::info, "upgrading: asked to by a signal");
    upgrade_.request();
  } else {
    stop();
  }
}

banyan::io::Upgrade::Hooks LeafDaemon::upgrade_hooks() {
  banyan::io::Upgrade::Hooks hooks;
  hooks.ready = [this](bool calm) {
    return !leaving_ && host_.may_leave(calm) && (!calm || leaf_.settled());
  };
  hooks.leave = [this] { return leave(); };
  hooks.refused = [this](const std::string& why) { stay(why); };
  return hooks;
}

banyan::io::Upgrade::Legacy LeafDaemon::leave() {
  banyan::io::Upgrade::Legacy legacy;
  v1::Handover handover;
  handover.set_version(BANYAN_VERSION);
  handover.set_lock(lock_);
  legacy.descriptors.push_back(lock_);
  leaf_.hold(handover);
  host_.leave(handover, legacy.descriptors);
  legacy.handover = handover.SerializeAsString();
  return legacy;
}

void LeafDaemon::stay(const std::string& why) {
  host_.stay();
  logger_.write(tree::LogLevel::error, "upgrade refused, nothing has changed: " + why);
  note(banyan::io::upgrade_refused_event(why));
}

}  // namespace banyan::leaf
