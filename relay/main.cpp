// banyan-relay: builds the parts, connects them, runs the loop.

#include <fmt/format.h>

#include "common/io/branch.h"
#include "common/io/child_link.h"
#include "common/io/clock.h"
#include "common/io/host_load.h"
#include "common/io/http_server.h"
#include "common/io/link_performer.h"
#include "common/io/link_security.h"
#include "common/io/logger.h"
#include "common/io/loop.h"
#include "common/io/parent_link.h"
#include "common/io/spool_files.h"
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
  explicit Daemon(const io::BranchStart& start)
      : config_(start.config),
        boot_(start.identity.boot),
        lock_(start.state_dir.lock_descriptor()),
        spool_(start.state_dir.file("events")),
        logger_({io::log_level_from(config_.log_level), config_.silent}),
        relay_(config_, start.identity, start.identity.boot.random(), {}),
        loop_({[this] { return relay_.next_deadline(); },
               [this](Now now) { turn(tree::LinkEvent(tree::TimeReached{}), now); },
               [this](int number) { on_signal(number); }}),
        children_(loop_.context(), [this](auto event) { turn(event, io::read_clock()); }),
        parent_(loop_.context(), [this](auto event) { turn(event, io::read_clock()); }),
        http_(loop_.context(), http_options(config_, start.state_dir),
              [this](auto event) { turn(event, io::read_clock()); }),
        picture_(start.state_dir.path()),
        performer_({loop_, logger_, &children_, &parent_}),
        upgrade_(loop_.context(), start.invocation, upgrade_hooks()) {}

  // `handover`: what the program before this one in the same process left.
  int run(const v1::Handover& handover) {
    const auto keys = protect();
    if (!keys) return io::fail_start(role, keys.error());
    const auto signer = io::command_signer(config_);
    if (!signer) return io::fail_start(role, signer.error());
    if (*signer) relay_.sign_with(**signer);
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
    begin_spool(handover);
    restore();
    RelayEffects effects;
    relay_.start(io::read_clock(), effects);
    perform(effects);
    if (spool_.lost() > 0) note(io::events_lost_event(spool_.lost()));
    if (!handover.version().empty()) note(io::upgraded_event(handover.version()));
    return loop_.run();
  }

 private:
  void restore() {
    io::restore_picture(picture_, logger_, relay_.mirror(),
                        [this](const v1::Update& part) { return relay_.restore(part); });
  }

  Result<std::string> protect() {
    if (auto safe = io::protect_parent(parent_, config_); !safe) {
      return tl::unexpected(safe.error());
    }
    return io::protect_children(children_, config_, logger_,
                                [this](const auto& own) { note(own); });
  }

  template <class Event>
  void turn(const Event& event, Now now) {
    RelayEffects effects;
    relay_.handle(event, now, effects);
    perform(effects);
    loop_.rearm();
  }

  void begin_spool(const v1::Handover& handover) {
    const auto boot = handover.has_events() ? handover.events().boot() : boot_;
    relay_.resume(handover, spool_.load(boot));
    warn(spool_.begin(relay_.events()));
  }

  void warn(const std::string& text) {
    if (!text.empty()) logger_.write(tree::LogLevel::warning, text);
  }

  void perform(RelayEffects& effects) {
    for (const v1::Update& part : effects.picture)
      picture_.keep(part, relay_.mirror().told_bytes());
    warn(spool_.keep(effects.spool, relay_.events()));
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
  v1::Boot boot_;
  int lock_;  // descriptor
  std::uint16_t port_ = 0;
  std::uint16_t http_port_ = 0;
  io::SpoolFiles spool_;
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

}  // namespace
}  // namespace banyan

int main(int argc, char** argv) {
  return banyan::io::start_branch(banyan::role, argc, argv,
                                  [](const banyan::io::BranchStart& start) {
                                    return banyan::Daemon(start).run(start.handover);
                                  });
}
