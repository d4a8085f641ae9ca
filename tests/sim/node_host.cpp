#include "tests/sim/node_host.h"

#include <algorithm>

#include <fmt/format.h>

namespace banyan::sim {
namespace {

constexpr std::uint64_t attach_reserve = 1'000;  // as the state directory keeps it
constexpr Duration commit_within = milliseconds{150};
constexpr Duration commit_again = seconds{1};
constexpr Duration read_within = milliseconds{20};

}  // namespace

template <class Role>
void NodeHost::restore(Role& role) const {
  for (const v1::Update& part : disk_.picture) role.restore(part);
}

template <class Effects>
void NodeHost::take(Effects& from, HostEffects& effects) {
  if (spec_.disk && !disk_.full) {
    for (auto& each : from.picture) disk_.picture.push_back(std::move(each));
  }
  for (auto& each : from.links.list) effects.links.list.push_back(std::move(each));
  for (auto& each : from.http) effects.http.push_back(std::move(each));
}

NodeHost::NodeHost(NodeSpec spec, HostOptions options, Later later)
    : spec_(std::move(spec)),
      options_(options),
      random_(options.seed),
      later_(later),
      machine_(random_.next(),
               [later](Duration delay, leaf::ProcessEvent event) { later(delay, event); }),
      logs_([later](Duration delay, leaf::LogEvent event) { later(delay, std::move(event)); }) {}

std::string NodeHost::instance() const { return fmt::format("{:032x}", options_.instance); }

tree::NodeConfig NodeHost::config() const {
  tree::NodeConfig config;
  config.name = spec_.name;
  for (const std::string& parent : spec_.parents) config.parents.push_back({parent, 7400});
  config.hb_interval = options_.hb_interval;
  config.timeout = options_.timeout;
  config.keep_targets = true;
  return config;
}

tree::Identity NodeHost::identity(Now now) {
  tree::Identity identity;
  identity.role = spec_.role;
  identity.name = spec_.name;
  identity.instance = instance();
  identity.version = "sim";
  identity.host = "host-of-" + spec_.host;
  identity.boot.set_start_ms(wall_ms(now.wall));
  boot_random_ = random_.next();
  identity.boot.set_random(boot_random_);
  if (!spec_.disk) {
    const bool full = disk_.full;
    disk_ = Disk{};
    disk_.full = full;
  }
  identity.attach_base = disk_.attach == 0 ? 0 : disk_.attach + attach_reserve;
  if (!disk_.full) {
    disk_.attach =
        std::max(identity.attach_base, static_cast<std::uint64_t>(wall_ms(now.wall))) + 1;
  }
  return identity;
}

void NodeHost::boot(Time world, HostEffects& effects) {
  ++life_;
  booted_ = world;
  left_ = false;
  frozen_ = false;
  const Now now = options_.clock.at(world);
  const tree::Identity who = identity(now);
  if (spec_.role == "leaf") return boot_leaf(who, world, effects);
  if (spec_.role == "relay") return boot_relay(who, now, effects);
  boot_root(who, now, effects);
}

void NodeHost::boot_relay(const tree::Identity& identity, Now now, HostEffects& effects) {
  const std::vector<view::StaticFile> no_files;
  role_ = std::make_unique<Relay>(config(), identity, random_.next(), no_files);
  Relay& relay = *get<Relay>();
  relay.resume(v1::Handover(), disk_.spool.spooled());
  disk_.spool.begin(relay.events(), disk_.full);
  restore(relay);
  RelayEffects own;
  relay.start(now, own);
  perform(own, effects);
}

void NodeHost::boot_root(const tree::Identity& identity, Now now, HostEffects& effects) {
  const std::vector<view::StaticFile> no_files;
  role_ = std::make_unique<Root>(config(), identity, random_.next(), no_files);
  Root& root = *get<Root>();
  root.resume(disk_.store.history(), now);
  restore(root);
  RootEffects own;
  root.start(now, own);
  perform(own, effects);
}

void NodeHost::boot_leaf(const tree::Identity& identity, Time world, HostEffects& effects) {
  const Now now = options_.clock.at(world);
  LeafOptions options;
  options.node = config();
  options.seed = random_.next();
  options.remembered = disk_.wanted;
  options.legacy = machine_.legacy(now.time);
  for (const std::string& target : spec_.targets) {
    leaf::TargetConfig each;
    each.name = target;
    each.command = {"/bin/" + target};
    each.backoff.max = seconds{2};  // so that all is quiet when it is judged
    options.targets.push_back(std::move(each));
  }
  options.spooled = disk_.spool.spooled();
  role_ = std::make_unique<Leaf>(std::move(options), identity);
  disk_.spool.begin(get<Leaf>()->events(), disk_.full);
  LeafEffects own;
  get<Leaf>()->start(now, own);
  perform(own, world, effects);
  machine_.tell_ended();
}

void NodeHost::handle(const HostEvent& event, Time world, HostEffects& effects) {
  const Now now = options_.clock.at(world);
  const auto* link = std::get_if<tree::LinkEvent>(&event);
  const auto* http = std::get_if<tree::HttpEvent>(&event);
  if (Leaf* leaf = get<Leaf>()) {
    LeafEffects own;
    if (link != nullptr) leaf->handle(*link, now, own);
    if (const auto* process = std::get_if<leaf::ProcessEvent>(&event)) {
      if (const auto* exited = std::get_if<leaf::ProcessExited>(process)) machine_.told(*exited);
      leaf->handle(*process, now, own);
    }
    if (const auto* log = std::get_if<leaf::LogEvent>(&event)) leaf->handle(*log, now, own);
    perform(own, world, effects);
  } else if (Relay* relay = get<Relay>()) {
    RelayEffects own;
    if (link != nullptr) relay->handle(*link, now, own);
    if (http != nullptr) relay->handle(*http, now, own);
    perform(own, effects);
  } else if (Root* root = get<Root>()) {
    RootEffects own;
    if (link != nullptr) root->handle(*link, now, own);
    if (http != nullptr) root->handle(*http, now, own);
    if (const auto* told = std::get_if<StoreEvent>(&event)) root->handle(*told, now, own);
    if (std::holds_alternative<CommitTime>(event) && disk_.store.waiting() > 0) {
      root->handle(commit(), now, own);
    }
    perform(own, effects);
  }
}

StoreEvent NodeHost::commit() {
  if (!disk_.full) return StoreDone{disk_.store.commit()};
  later_(commit_again, CommitTime{});
  return StoreFailed{disk_.store.waiting(), "the disk is full"};
}

void NodeHost::perform(RelayEffects& from, HostEffects& effects) {
  disk_.spool.keep(from.spool, get<Relay>()->events(), disk_.full);
  take(from, effects);
}

void NodeHost::perform(RootEffects& from, HostEffects& effects) {
  for (auto& write : from.store) {
    disk_.store.take(std::move(write));
    later_(random_.upto(commit_within), CommitTime{});
  }
  for (const auto& ask : from.asks) {
    later_(random_.upto(read_within), StoreEvent(disk_.store.read(ask)));
  }
  take(from, effects);
}

void NodeHost::perform(LeafEffects& from, Time world, HostEffects& effects) {
  const Now now = options_.clock.at(world);
  disk_.spool.keep(from.spool, get<Leaf>()->events(), disk_.full);
  for (const auto& memory : from.memories) machine_.remember(memory);
  for (const auto& effect : from.processes) machine_.perform(effect, world);
  for (const auto& effect : from.logs) logs_.perform(effect, now.wall);
  if (!from.wanted.empty() && !disk_.full) disk_.wanted = from.wanted.back().wanted;
  for (auto& each : from.links.list) effects.links.list.push_back(std::move(each));
}

void NodeHost::flood(unsigned events, Time world, HostEffects& effects) {
  const Now now = options_.clock.at(world);
  for (unsigned i = 0; i < events; ++i) {
    const tree::OwnEvent event{"flood", "", std::to_string(i), "{}"};
    if (Leaf* leaf = get<Leaf>()) {
      LeafEffects own;
      leaf->note(event, now, own);
      perform(own, world, effects);
    } else if (Relay* relay = get<Relay>()) {
      RelayEffects own;
      relay->note(event, now, own);
      perform(own, effects);
    }
  }
}

void NodeHost::stop(Time world, HostEffects& effects) {
  const Now now = options_.clock.at(world);
  if (Leaf* leaf = get<Leaf>()) {
    LeafEffects own;
    leaf->stop(now, own);
    perform(own, world, effects);
  } else if (Relay* relay = get<Relay>()) {
    RelayEffects own;
    relay->stop(now, own);
    perform(own, effects);
  }
  crash(false);
  left_ = true;
}

void NodeHost::crash(bool whole_host) {
  role_ = std::monostate{};
  frozen_ = false;
  machine_.leaf_gone();
  logs_.leaf_gone();
  disk_.store.crash(random_);
  if (!whole_host) return;
  machine_.end_all();
  disk_.spool.power_cut(random_);
}

void NodeHost::prefer(const std::string& parent) {
  std::erase(spec_.parents, parent);
  spec_.parents.insert(spec_.parents.begin(), parent);
}

Time NodeHost::wake() const {
  if (frozen_) return never;
  Time own = never;
  if (const Leaf* leaf = get<Leaf>()) own = leaf->next_deadline();
  if (const Relay* relay = get<Relay>()) own = relay->next_deadline();
  if (const Root* root = get<Root>()) own = root->next_deadline();
  return options_.clock.world_time(own);
}

const tree::Mirror* NodeHost::mirror() const {
  if (const Leaf* leaf = get<Leaf>()) return &leaf->mirror();
  if (const Relay* relay = get<Relay>()) return &relay->mirror();
  const Root* root = get<Root>();
  return root == nullptr ? nullptr : &root->mirror();
}

const tree::Downlink* NodeHost::downlink() const {
  if (const Relay* relay = get<Relay>()) return &relay->downlink();
  const Root* root = get<Root>();
  return root == nullptr ? nullptr : &root->downlink();
}

const tree::Uplink* NodeHost::uplink() const {
  if (const Leaf* leaf = get<Leaf>()) return &leaf->uplink();
  const Relay* relay = get<Relay>();
  return relay == nullptr ? nullptr : &relay->uplink();
}

const tree::EventOutbox* NodeHost::events() const {
  if (const Leaf* leaf = get<Leaf>()) return &leaf->events();
  const Relay* relay = get<Relay>();
  return relay == nullptr ? nullptr : &relay->events();
}

const tree::Router* NodeHost::router() const {
  if (const Relay* relay = get<Relay>()) return &relay->router();
  const Root* root = get<Root>();
  return root == nullptr ? nullptr : &root->router();
}

}  // namespace banyan::sim
