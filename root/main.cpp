// banyan-root: builds the parts, connects them, runs the loop.

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
#include "common/io/upgrade.h"
#include "root/io/store.h"
#include "root/root.h"
#include "root/web/embedded.h"

namespace banyan {
namespace {

constexpr io::ConfigRole role = io::ConfigRole::root;

std::vector<view::StaticFile> page() {
  std::vector<view::StaticFile> files;
  for (const web::WebFile& file : web::web_files()) {
    files.push_back({std::string(file.path), std::string(file.type), std::string(file.bytes)});
  }
  return files;
}

io::HttpOptions http_options(const tree::NodeConfig& config, const io::StateDir& state_dir) {
  io::HttpOptions options;
  options.host = config.http_host;
  options.port = config.http_port;
  options.unix_path = state_dir.file("http.sock");
  options.allowed_hosts = config.allowed_hosts;
  return options;
}

Store::Options store_options(const tree::StoreConfig& config) {
  return {config.path, {config.keep_age / milliseconds{1}, config.keep_events}};
}

class Daemon {
 public:
  explicit Daemon(const io::BranchStart& start)
      : config_(start.config),
        lock_(start.state_dir.lock_descriptor()),
        logger_({io::log_level_from(config_.log_level), config_.silent}),
        root_(config_, start.identity, start.identity.boot.random(), page()),
        loop_({[this] { return root_.next_deadline(); },
               [this](Now now) { turn(tree::LinkEvent(tree::TimeReached{}), now); },
               [this](int number) { on_signal(number); }}),
        children_(loop_.context(), [this](auto event) { turn(event, io::read_clock()); }),
        http_(loop_.context(), http_options(config_, start.state_dir),
              [this](auto event) { turn(event, io::read_clock()); }),
        picture_(start.state_dir.path()),
        store_(loop_.context(), store_options(config_.store),
               [this](auto event) { turn(std::move(event), io::read_clock()); }),
        performer_({loop_, logger_, &children_, nullptr}),
        upgrade_(loop_.context(), start.invocation, upgrade_hooks()) {}

  // `handover`: what the program before this one in the same process left.
  int run(const v1::Handover& handover) {
    const auto keys =
        io::protect_children(children_, config_, logger_, [this](const auto& own) { note(own); });
    if (!keys) return io::fail_start(role, keys.error());
    const auto signer = io::command_signer(config_);
    if (!signer) return io::fail_start(role, signer.error());
    if (*signer) root_.sign_with(**signer);
    const auto history = store_.open();
    if (!history) return io::fail_start(role, history.error());
    root_.resume(*history, io::read_clock());
    const auto port = children_.listen(config_.host, config_.port);
    if (!port) return io::fail_start(role, port.error());
    const auto http_port = http_.listen();
    if (!http_port) return io::fail_start(role, http_port.error());
    port_ = *port;
    http_port_ = *http_port;
    const std::string page = fmt::format("http://{}:{}/", config_.http_host, *http_port);
    const std::string here = fmt::format("name={} address={}:{} parent=none page={}{}",
                                         config_.name, config_.host, *port, page, *keys);
    logger_.write(tree::LogLevel::info, fmt::format("{} try=\"banyan --url {} tree\"", here,
                                                    page.substr(0, page.size() - 1)));
    loop_.notify_ready(here);
    restore();
    RootEffects effects;
    root_.start(io::read_clock(), effects);
    perform(effects);
    if (!handover.version().empty()) note(io::upgraded_event(handover.version()));
    const int code = loop_.run();
    store_.close();
    return code;
  }

 private:
  void restore() {
    io::restore_picture(picture_, logger_, root_.mirror(),
                        [this](const v1::Update& part) { return root_.restore(part); });
  }

  template <class Event>
  void turn(Event event, Now now) {
    RootEffects effects;
    root_.handle(std::move(event), now, effects);
    perform(effects);
    loop_.rearm();
  }

  void perform(RootEffects& effects) {
    for (const v1::Update& part : effects.picture) picture_.keep(part, root_.mirror().told_bytes());
    for (auto& write : effects.store) store_.write(std::move(write));
    for (auto& ask : effects.asks) store_.ask(std::move(ask));
    for (tree::HttpEffect& effect : effects.http) http_.perform(std::move(effect));
    performer_.perform(effects.links);
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
    RootEffects effects;
    root_.stop(io::read_clock(), effects);
    perform(effects);
  }

  io::Upgrade::Hooks upgrade_hooks() {
    io::Upgrade::Hooks hooks;
    hooks.ready = [this](bool calm) { return !calm || root_.settled(); };
    hooks.leave = [this] {
      picture_.flush();
      store_.close();  // threads end with the program
      v1::Handover handover;
      handover.set_version(BANYAN_VERSION);
      handover.set_lock(lock_);
      handover.set_port(port_);
      handover.set_http_port(http_port_);
      return io::Upgrade::Legacy{handover.SerializeAsString(), {lock_}};
    };
    hooks.refused = [this](const std::string& why) {
      reopen_store();
      logger_.write(tree::LogLevel::error, "upgrade refused, nothing has changed: " + why);
      note(io::upgrade_refused_event(why));
    };
    return hooks;
  }

  // What it told while it was closed was not heard: all up to its last ticket is stored. With the
  // rest it goes on by itself.
  void reopen_store() {
    if (store_.is_open()) return;
    const auto history = store_.open();
    if (!history) {
      logger_.write(tree::LogLevel::error,
                    history.error().text() + "; this root has to be restarted");
      return loop_.stop(1);
    }
    turn(StoreEvent(StoreDone{store_.done_ticket()}), io::read_clock());
  }

  void note(const tree::OwnEvent& event) {
    logger_.write(tree::LogLevel::info, fmt::format("event={} {}", event.kind, event.text));
    RootEffects effects;
    root_.note(event, io::read_clock(), effects);
    perform(effects);
    loop_.rearm();
  }

  tree::NodeConfig config_;
  int lock_;  // descriptor
  std::uint16_t port_ = 0;
  std::uint16_t http_port_ = 0;
  io::Logger logger_;
  Root root_;
  io::Loop loop_;
  io::ChildLink children_;
  io::HttpServer http_;
  io::PictureLog picture_;
  Store store_;
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
