// banyan-relay: builds the parts, connects them, runs the loop.

#include <fmt/format.h>

#include "common/io/child_link.h"
#include "common/io/clock.h"
#include "common/io/daemon.h"
#include "common/io/host_load.h"
#include "common/io/http_server.h"
#include "common/io/link_performer.h"
#include "common/io/link_security.h"
#include "common/io/logger.h"
#include "common/io/loop.h"
#include "common/io/parent_link.h"
#include "common/io/picture_log.h"
#include "common/io/upgrade.h"
#include "relay/relay.h"

namespace banyan {
namespace {

constexpr io::ConfigRole role = io::ConfigRole::relay;

// The unix socket always, TCP when it is configured.
io::HttpOptions http_options(const tree::NodeConfig& config, const io::StateDir& state_dir) {
  io::HttpOptions options;
  options.host = config.http ? config.http_host : "";
  options.port = config.http_port;
  options.unix_path = state_dir.file("http.sock");
  options.allowed_hosts = config.allowed_hosts;
  return options;
}

class Daemon {
 public:
  Daemon(const tree::NodeConfig& config, const tree::Identity& identity,
         const io::StateDir& state_dir, const io::Invocation& invocation)
      : config_(config),
        lock_(state_dir.lock_descriptor()),
        logger_({io::log_level_from(config.log_level), config.silent}),
        relay_(config, identity, identity.boot.random(), {}),
        loop_({[this] { return relay_.next_deadline(); },
               [this](Now now) { turn(tree::LinkEvent(tree::TimeReached{}), now); },
               [this](int number) { on_signal(number); }}),
        children_(loop_.context(), [this](auto event) { turn(event, io::read_clock()); }),
        parent_(loop_.context(), [this](auto event) { turn(event, io::read_clock()); }),
        http_(loop_.context(), http_options(config, state_dir),
              [this](auto event) { turn(event, io::read_clock()); }),
        picture_(state_dir.path()),
        performer_({loop_, logger_, &children_, &parent_}),
        upgrade_(loop_.context(), invocation, upgrade_hooks()) {}

  // `handover`: what the program before this one in the same process left.
  int run(const v1::Handover& handover) {
    const auto keys = protect();
    if (!keys) return io::fail_start(role, keys.error());
    const auto port = children_.listen(config_.host, config_.port);
    if (!port) return io::fail_start(role, port.error());
    const auto http_port = http_.listen();
    if (!http_port) return io::fail_start(role, http_port.error());
    port_ = *port;
    http_port_ = *http_port;
    const std::string rest =
        config_.http ? fmt::format(" rest=http://{}:{}/", config_.http_host, *http_port) : "";
    const std::string parent =
        config_.parents.empty()
            ? "none"
            : fmt::format("{}:{}", config_.parents[0].host, config_.parents[0].port);
    const std::string here = fmt::format("name={} address={}:{} parent={}{}{}", config_.name,
                                         config_.host, *port, parent, rest, *keys);
    logger_.write(tree::LogLevel::info, here + " try=\"banyan tree\" at the root");
    loop_.notify_ready(here);
    relay_.resume(handover);
    restore();
    RelayEffects effects;
    relay_.start(io::read_clock(), effects);
    perform(effects);
    if (!handover.version().empty()) note(io::upgraded_event(handover.version()));
    return loop_.run();
  }

 private:
  void restore() {
    std::size_t parts = 0;
    std::size_t refused = 0;
    const auto troubles = picture_.open([&](const v1::Update& part) {
      ++parts;
      refused += relay_.restore(part);
    });
    for (const std::string& trouble : troubles) {
      logger_.write(tree::LogLevel::warning, "picture: " + trouble);
    }
    if (parts == 0) return;
    logger_.write(tree::LogLevel::info,
                  fmt::format("picture=restored facts={} refused={}: to be verified by digest",
                              relay_.mirror().fact_count(), refused));
  }

  Result<std::string> protect() {
    if (auto safe = io::protect_parent(parent_, config_); !safe) {
      return tl::unexpected(safe.error());
    }
    return io::protect_children(children_, config_, logger_);
  }

  template <class Event>
  void turn(const Event& event, Now now) {
    RelayEffects effects;
    relay_.handle(event, now, effects);
    perform(effects);
    loop_.rearm();
  }

  void perform(RelayEffects& effects) {
    for (const v1::Update& part : effects.picture)
      picture_.keep(part, relay_.mirror().told_bytes());
    performer_.perform(effects.links);
    for (tree::HttpEffect& effect : effects.http) http_.perform(std::move(effect));
    if (effects.read_host) turn(io::read_host_load(), io::read_clock());
  }

  void on_signal(int number) {
    if (number == SIGHUP) {
      return io::reload_keys(children_, config_, logger_);
    }
    if (number == SIGUSR2) {
      logger_.write(tree::LogLevel::info, "upgrading: asked to by a signal");
      upgrade_.request();
      return;
    }
    logger_.write(tree::LogLevel::info, "leaving: asked to by a signal");
    loop_.notify_stopping();
    RelayEffects effects;
    relay_.stop(io::read_clock(), effects);
    perform(effects);
  }

  io::Upgrade::Hooks upgrade_hooks() {
    io::Upgrade::Hooks hooks;
    hooks.ready = [](bool) { return true; };
    hooks.leave = [this] {
      picture_.flush();
      v1::Handover handover;
      handover.set_version(BANYAN_VERSION);
      handover.set_lock(lock_);
      handover.set_port(port_);
      handover.set_http_port(http_port_);
      relay_.hold(handover);
      return io::Upgrade::Legacy{handover.SerializeAsString(), {lock_}};
    };
    hooks.refused = [this](const std::string& why) {
      logger_.write(tree::LogLevel::error, "upgrade refused, nothing has changed: " + why);
      note(io::upgrade_refused_event(why));
    };
    return hooks;
  }

  void note(const tree::OwnEvent& event) {
    logger_.write(tree::LogLevel::info, fmt::format("event={} {}", event.kind, event.text));
    RelayEffects effects;
    relay_.note(event, io::read_clock(), effects);
    perform(effects);
    loop_.rearm();
  }

  tree::NodeConfig config_;
  int lock_;  // descriptor
  std::uint16_t port_ = 0;
  std::uint16_t http_port_ = 0;
  io::Logger logger_;
  Relay relay_;
  io::Loop loop_;
  io::ChildLink children_;
  io::ParentLink parent_;
  io::HttpServer http_;
  io::PictureLog picture_;
  io::LinkPerformer performer_;
  io::Upgrade upgrade_;
};

int run(int argc, char** argv) {
  const auto parsed = io::parse_daemon_options(role, argc, argv);
  if (parsed.exit_code) return *parsed.exit_code;
  const auto input = io::gather_config(parsed.options.config, parsed.options.sets);
  const auto loaded = io::load_node_config(role, input);
  if (auto code = io::settle_configuration(loaded.problems, parsed.options)) return *code;
  const v1::Handover handover = io::read_handover();
  auto state_dir =
      io::StateDir::open(loaded.node.state_dir, io::read_clock().wall, handover.lock());
  if (!state_dir) return io::fail_start(role, state_dir.error());
  const auto identity = io::make_identity(role, loaded.node, *state_dir);
  if (!identity) return io::fail_start(role, identity.error());
  // Ports that the system chose stay what they are: children and people know them.
  tree::NodeConfig config = loaded.node;
  if (config.port == 0) config.port = static_cast<std::uint16_t>(handover.port());
  if (config.http_port == 0) config.http_port = static_cast<std::uint16_t>(handover.http_port());
  return Daemon(config, *identity, *state_dir, parsed.options.invocation).run(handover);
}

}  // namespace
}  // namespace banyan

int main(int argc, char** argv) { return banyan::run(argc, argv); }
