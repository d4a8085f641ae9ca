// banyan-leaf: builds the parts, connects them, runs the loop.

#include <csignal>
#include <filesystem>

#include <fmt/format.h>
#include <boost/asio/signal_set.hpp>

#include "common/io/clock.h"
#include "common/io/daemon.h"
#include "common/io/link_performer.h"
#include "common/io/logger.h"
#include "common/io/loop.h"
#include "common/io/parent_link.h"
#include "leaf/io/inheritance.h"
#include "leaf/io/subtree.h"
#include "leaf/io/target_host.h"
#include "leaf/io/target_reader.h"
#include "leaf/io/wanted_file.h"
#include "leaf/leaf.h"
#include "leaf/run_outcome.h"

namespace banyan {
namespace {

constexpr io::ConfigRole role = io::ConfigRole::leaf;
constexpr Duration hook_patience = seconds{5};  // at the leaf's end

class Daemon {
 public:
  Daemon(const LeafOptions& options, const tree::Identity& identity, const io::StateDir& state_dir,
         io::DaemonOptions daemon_options)
      : options_(std::move(daemon_options)),
        config_(options.node),
        logger_({io::log_level_from(config_.log_level), config_.silent}),
        leaf_(options, identity),
        wanted_(state_dir.file("wanted")),
        loop_({[this] { return leaf_.next_deadline(); },
               [this](Now now) { turn(tree::LinkEvent(tree::TimeReached{}), now); },
               [this](int number) { on_signal(number); }}),
        parent_(loop_.context(), [this](auto event) { turn(event, io::read_clock()); }),
        performer_({loop_, logger_, nullptr, &parent_}),
        host_(loop_.context(), identity.instance, state_dir.path(),
              {[this](leaf::ProcessEvent event) { turn(std::move(event), io::read_clock()); },
               [this](leaf::CheckEvent event) { turn(std::move(event), io::read_clock()); },
               [this](leaf::UsageSampled event) { turn(std::move(event), io::read_clock()); },
               [this](leaf::LogEvent event) { turn(std::move(event), io::read_clock()); },
               [this](const std::string& text) { logger_.write(tree::LogLevel::warning, text); }}),
        forwarded_(loop_.context()) {}

  Status open() { return host_.open(); }

  // Behind open(): what was written while no leaf was there, then what runs.
  void take_over(const leaf::KeeperPlace& place, leaf::KeeperLink link,
                 const std::vector<leaf::TargetConfig>& targets) {
    const auto merged = merge(targets);
    const auto running = link.runs.size();
    const int pid = link.pid;
    host_.use_keeper(place, std::move(link), targets);
    found_ = fmt::format("keeper pid={} processes={} spilled_bytes={} dropped_bytes={}", pid,
                         running, merged.bytes, merged.dropped);
  }
  leaf::MergedSpill merge(const std::vector<leaf::TargetConfig>& targets) {
    return host_.merge_spill(targets);
  }

  // Ends with this target and with its exit code; other signals than TERM and INT are its own.
  void run_only(const std::string& target) {
    only_ = target;
    for (const int number : {SIGUSR1, SIGUSR2, SIGQUIT, SIGWINCH}) forwarded_.add(number);
    wait_for_forwarded();
  }

  int run(std::size_t targets) {
    const std::string parent =
        config_.parents.empty()
            ? "none"
            : fmt::format("{}:{}", config_.parents[0].host, config_.parents[0].port);
    const std::string here =
        fmt::format("name={} targets={} parent={}", config_.name, targets, parent);
    logger_.write(tree::LogLevel::info, here + " try=\"banyan get targets\" at the root");
    if (!found_.empty()) logger_.write(tree::LogLevel::info, found_);
    logger_.write(tree::LogLevel::info, host_.description());
    loop_.notify_ready(here);
    LeafEffects effects;
    leaf_.start(io::read_clock(), effects);
    perform(effects);
    const int code = loop_.run();
    host_.close(hook_patience);
    const auto outcome = only_.empty() ? std::nullopt : outcome_of_only();
    return outcome.value_or(code);
  }

 private:
  template <class Event>
  void turn(Event event, Now now) {
    LeafEffects effects;
    leaf_.handle(std::move(event), now, effects);
    if (!only_.empty() && !over_ && outcome_of_only()) {
      over_ = true;
      leaf_.stop(now, effects);
    }
    perform(effects);
    loop_.rearm();
  }

  void perform(LeafEffects& effects) {
    for (const auto& memory : effects.memories) host_.remember(memory);
    for (const auto& effect : effects.processes) host_.perform(effect);
    for (const auto& effect : effects.checks) host_.perform(effect);
    for (const auto& effect : effects.samples) host_.perform(effect);
    for (const auto& effect : effects.logs) host_.perform(effect);
    if (!effects.wanted.empty()) {
      const auto& last = effects.wanted.back();
      const Status kept = wanted_.store({last.wanted, last.scaled});
      if (!kept) logger_.write(tree::LogLevel::error, kept.error().text());
    }
    performer_.perform(effects.links);
  }

  std::optional<int> outcome_of_only() const {
    const auto* status = leaf_.supervisor().find(only_);
    return status == nullptr ? std::nullopt : leaf::run_outcome(*status);
  }

  void wait_for_forwarded() {
    forwarded_.async_wait([this](const boost::system::error_code& error, int number) {
      if (error) return;
      forward(number);
      wait_for_forwarded();
    });
  }

  void forward(int number) {
    const auto* status = leaf_.supervisor().find(only_);
    if (status == nullptr) return;
    host_.perform(
        leaf::ProcessEffect(leaf::SignalProcess{only_, status->generation, number, true}));
  }

  // A configuration with problems changes nothing.
  void reload() {
    const auto input = io::gather_config(options_.config, options_.sets);
    const auto loaded = leaf::io::load_leaf_config(input);
    for (const auto& problem : loaded.problems) {
      logger_.write(tree::LogLevel::error, "reload: " + problem.text);
    }
    if (!loaded.problems.empty()) {
      logger_.write(tree::LogLevel::error, "event=reload_refused: nothing was changed");
      return;
    }
    LeafEffects effects;
    leaf_.reload(loaded.targets, io::read_clock(), effects);
    perform(effects);
    loop_.rearm();
  }

  void on_signal(int number) {
    if (number == SIGHUP && !only_.empty()) {
      forward(number);
      return;
    }
    if (number == SIGHUP) {
      reload();
      return;
    }
    if (number == SIGUSR2) {
      logger_.write(tree::LogLevel::warning, "signal=USR2: no upgrade in place yet");
      return;
    }
    logger_.write(tree::LogLevel::info, "leaving: asked to by a signal");
    loop_.notify_stopping();
    LeafEffects effects;
    leaf_.stop(io::read_clock(), effects);
    perform(effects);
    loop_.rearm();
  }

  io::DaemonOptions options_;
  tree::NodeConfig config_;
  io::Logger logger_;
  Leaf leaf_;
  leaf::WantedFile wanted_;
  io::Loop loop_;
  io::ParentLink parent_;
  io::LinkPerformer performer_;
  leaf::TargetHost host_;
  std::string found_;  // for the log: what take_over() met
  std::string only_;   // `run`: the one target; empty = an ordinary leaf
  bool over_ = false;
  boost::asio::signal_set forwarded_;
};

// A directory that `banyan run` made for this one run.
class OneRunDirectory {
 public:
  explicit OneRunDirectory(const leaf::io::LeafConfig& loaded) {
    const std::filesystem::path path = loaded.node.state_dir;
    if (loaded.run && path.filename().string().starts_with("banyan-run-")) path_ = path;
  }
  ~OneRunDirectory() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  OneRunDirectory(const OneRunDirectory&) = delete;
  OneRunDirectory& operator=(const OneRunDirectory&) = delete;

 private:
  std::filesystem::path path_;
};

// Without a keeper the leaf works all the same; what is lost then is said.
std::optional<leaf::KeeperLink> find_keeper(const leaf::KeeperPlace& place, bool wanted) {
  auto link = leaf::open_keeper(place, wanted);
  if (link) return std::move(*link);
  if (wanted) fmt::print(stderr, "banyan-leaf: {}\n", link.error().text());
  return std::nullopt;
}

// It was wanted by an earlier configuration; what it held has been ended.
void dismiss(const leaf::KeeperLink& link) {
  leaf::keeper::Packet quit;
  quit.message.kind = leaf::keeper::Kind::quit;
  static_cast<void>(leaf::keeper::send_packet(link.socket.get(), quit));
}

void end_strays(const std::string& instance, const std::set<std::string>& adopted) {
  const leaf::SubtreeResult strays = leaf::end_strays(instance, adopted);
  if (strays.killed == 0 && strays.unkillable == 0) return;
  fmt::print(stderr, "banyan-leaf: ended {} processes that an earlier run left ({} remain)\n",
             strays.killed, strays.unkillable);
}

int start(const leaf::io::LeafConfig& loaded, const io::DaemonOptions& daemon_options) {
  const OneRunDirectory temporary(loaded);
  auto state_dir = io::StateDir::open(loaded.node.state_dir, io::read_clock().wall);
  if (!state_dir) return io::fail_start(role, state_dir.error());
  const auto identity = io::make_identity(role, loaded.node, *state_dir);
  if (!identity) return io::fail_start(role, identity.error());
  const auto remembered = leaf::WantedFile(state_dir->file("wanted")).load();
  if (!remembered) return io::fail_start(role, remembered.error());
  LeafOptions options;
  options.node = loaded.node;
  options.targets = loaded.targets;
  options.remembered = remembered->wanted;
  options.scaled = remembered->scaled;
  const auto targets =
      leaf::InstanceGroups(loaded.targets, remembered->scaled).targets();  // as they are to be
  options.log_tail = loaded.log_tail;
  options.seed = identity->boot.random();
  const leaf::KeeperPlace place{state_dir->path(), leaf::keeper_program(), loaded.spill_max};
  auto keeper = find_keeper(place, loaded.keeper);
  leaf::Inheritance inherited;
  if (keeper && loaded.keeper) {
    inherited = leaf::inherit(*keeper, targets, identity->instance);
  }
  end_strays(identity->instance, inherited.marks);
  options.legacy = std::move(inherited.legacy);
  Daemon daemon(options, *identity, *state_dir, daemon_options);
  if (const Status opened = daemon.open(); !opened) return io::fail_start(role, opened.error());
  if (keeper && loaded.keeper) {
    daemon.take_over(place, std::move(*keeper), targets);
  } else {
    if (keeper) dismiss(*keeper);
    daemon.merge(targets);
  }
  if (loaded.run) daemon.run_only(loaded.targets.at(0).name);
  return daemon.run(targets.size());
}

int run(int argc, char** argv) {
  const auto parsed = io::parse_daemon_options(role, argc, argv);
  if (parsed.exit_code) return *parsed.exit_code;
  const auto input = io::gather_config(parsed.options.config, parsed.options.sets);
  const auto loaded = leaf::io::load_leaf_config(input);
  if (auto code = io::settle_configuration(loaded.problems, parsed.options)) return *code;
  return start(loaded, parsed.options);
}

}  // namespace
}  // namespace banyan

int main(int argc, char** argv) { return banyan::run(argc, argv); }
