#include "tests/sim/world.h"

#include <algorithm>

#include "common/base/check.h"
#include "common/base/name.h"

namespace banyan::sim {
namespace {

constexpr std::int64_t wall_at_beginning = 1'700'000'000'000;
constexpr std::uint64_t instances_of_all = 1'000;  // own ones come after the given ones

std::uint64_t within(Random& random, std::uint64_t bound) { return random.below(2 * bound + 1); }

}  // namespace

World::World(std::uint64_t seed, const Topology& topology, WorldOptions options)
    : options_(options), random_(seed), network_(random_.next(), options.delay) {
  network_.tamper().set_present([this](const std::string& host) {
    const tree::Mirror* mirror = this->host(host).mirror();
    return mirror == nullptr ? Digest{} : mirror->digest("");
  });
  for (const NodeSpec& spec : topology) {
    if (spec.role == "root") root_ = spec.host;
  }
  for (const NodeSpec& spec : topology) add(spec);
}

World::~World() = default;

void World::add(const NodeSpec& spec) {
  CHECK(!hosts_.contains(spec.host));
  HostOptions options;
  options.seed = random_.next();
  options.instance = spec.instance != 0 ? spec.instance : instances_of_all + ++last_instance_;
  const auto drift = static_cast<std::uint64_t>(options_.drift);
  const auto offset = static_cast<std::uint64_t>(options_.offset.count());
  const auto apart = static_cast<std::int64_t>(within(random_, offset)) - options_.offset.count();
  const auto uptime = static_cast<std::int64_t>(1 + random_.below(100'000));
  options.clock =
      NodeClock(Time{seconds{uptime}}, static_cast<long>(within(random_, drift)) - options_.drift,
                wall_from_ms(wall_at_beginning + apart));
  options.hb_interval = options_.hb_interval;
  options.timeout = options_.timeout;
  const std::string name = spec.host;
  hosts_[name] = std::make_unique<NodeHost>(
      spec, options,
      [this, name](Duration delay, HostEvent event) { push(delay, name, std::move(event)); });
  restart(name);
}

void World::at(Time time, std::function<void()> what) {
  Item item;
  item.what = std::move(what);
  queue_.emplace(std::max(time, now_), std::move(item));
}

void World::push(Duration delay, const std::string& host, HostEvent event) {
  queue_.emplace(now_ + delay,
                 Item{host, this->host(host).life(), nullptr, std::move(event), nullptr});
}

void World::handle(NodeHost& host, const HostEvent& event) {
  HostEffects effects;
  host.handle(event, now_, effects);
  perform(host, effects);
  const auto pace = paces_.find(host.name());
  if (pace != paces_.end()) {
    pace->second.busy_until = now_ + pace->second.each;
    at(pace->second.busy_until, [this, name = host.name()] { work_on(name); });
  }
  refresh(host);
}

void World::refresh(const NodeHost& host) {
  Time& wake = wakes_[host.name()];
  wake = host.wake();
  const auto pace = paces_.find(host.name());
  if (pace != paces_.end() && wake != never) wake = std::max(wake, pace->second.busy_until);
}

// One frame, and then a look at the clock.
void World::work_on(const std::string& name) {
  const auto pace = paces_.find(name);
  NodeHost& worker = host(name);
  if (pace == paces_.end() || pace->second.backlog.empty() || now_ < pace->second.busy_until)
    return;
  if (!worker.runs() || worker.frozen()) return;
  Item item = std::move(pace->second.backlog.front());
  pace->second.backlog.pop_front();
  const bool due = worker.wake() <= now_;
  handle(worker, item.event);
  if (due && worker.runs()) handle(worker, tree::LinkEvent(tree::TimeReached{}));
}

void World::slow(const std::string& name, Duration each) {
  Pace& pace = paces_[name];
  pace.each = each;
  if (each.count() > 0) return;
  auto backlog = std::move(pace.backlog);
  paces_.erase(name);
  for (Item& item : backlog) deliver(item);
  refresh(host(name));
}

void World::deliver(Item& item) {
  if (item.what) return item.what();
  NodeHost& host = this->host(item.host);
  if (!host.runs() || host.life() != item.life) return;
  if (host.frozen()) return waiting_[item.host].push_back(std::move(item));
  if (item.link) {
    const auto* event = std::get_if<tree::LinkEvent>(&item.event);
    const bool closing = std::holds_alternative<tree::ChildClosed>(*event) ||
                         std::holds_alternative<tree::ParentClosed>(*event);
    if (!item.link->open && !closing) return;  // lost with its connection
    if (item.link->hung_up && item.host == item.link->child) return;
  }
  const auto pace = paces_.find(item.host);
  if (pace != paces_.end() && (now_ < pace->second.busy_until || !pace->second.backlog.empty())) {
    return pace->second.backlog.push_back(std::move(item));
  }
  handle(host, item.event);
}

void World::step_deadlines() {
  for (auto& [name, wake] : wakes_) {
    if (wake > now_) continue;
    NodeHost& host = this->host(name);
    handle(host, tree::LinkEvent(tree::TimeReached{}));
    wake = std::max(wake, now_ + std::chrono::microseconds{10});
  }
}

void World::run_until(Time end) {
  while (now_ < end) {
    Time next = end;
    if (!queue_.empty()) next = std::min(next, queue_.begin()->first);
    for (const auto& [name, wake] : wakes_) next = std::min(next, wake);
    now_ = std::max(now_, next);
    while (!queue_.empty() && queue_.begin()->first <= now_) {
      Item item = std::move(queue_.begin()->second);
      queue_.erase(queue_.begin());
      deliver(item);
    }
    step_deadlines();
  }
}

void World::crash(const std::string& name, bool whole_host) {
  NodeHost& crashed = host(name);
  if (whole_host) crashed.machine().end_all();
  if (!crashed.runs()) return;
  crashed.crash(whole_host);
  drop_links(name);
  waiting_.erase(name);
  paces_.erase(name);
  refresh(crashed);
}

void World::stop(const std::string& name) {
  NodeHost& stopped = host(name);
  if (!stopped.runs() || stopped.frozen()) return;
  HostEffects effects;
  stopped.stop(now_, effects);
  perform(stopped, effects);
  refresh(stopped);
  for (const auto& [conn, link] : downlinks_) {
    if (link->parent == name) close(link, Told::child);
  }
}

void World::restart(const std::string& name) {
  NodeHost& started = host(name);
  if (started.runs()) return;
  HostEffects effects;
  settled_[name] = now_;
  started.boot(now_, effects);
  perform(started, effects);
  refresh(started);
}

void World::freeze(const std::string& name) {
  host(name).freeze();
  const auto pace = paces_.find(name);
  if (pace != paces_.end()) {
    for (Item& item : pace->second.backlog) waiting_[name].push_back(std::move(item));
    pace->second.backlog.clear();
  }
  refresh(host(name));
}

// What wakes looks at the clock first, or at what lies in its buffers.
void World::thaw(const std::string& name) {
  NodeHost& thawed = host(name);
  if (!thawed.frozen()) return;
  thawed.thaw();
  settled_[name] = now_;
  if (random_.chance(0.5)) handle(thawed, tree::LinkEvent(tree::TimeReached{}));
  auto waiting = std::exchange(waiting_[name], {});
  for (Item& item : waiting) deliver(item);
  refresh(thawed);
}

void World::flood(const std::string& name, unsigned events) {
  HostEffects effects;
  host(name).flood(events, now_, effects);
  perform(host(name), effects);
  refresh(host(name));
}

void World::jump(const std::string& name, milliseconds by) { host(name).clock().jump(by); }

std::int64_t World::wall_ms_of(const std::string& name) {
  return wall_ms(host(name).clock().at(now_).wall);
}

std::string World::parent_of(const std::string& name) const {
  const auto it = uplinks_.find(name);
  if (it != uplinks_.end()) return it->second->parent;
  const auto& parents = host(name).spec().parents;
  return parents.empty() ? "" : parents.front();
}

std::string World::path_of(const std::string& name) const {
  const std::string parent = parent_of(name);
  return parent.empty() ? "" : join_path(path_of(parent), host(name).spec().name);
}

}  // namespace banyan::sim
