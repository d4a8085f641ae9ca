#include "tests/sim/play.h"

#include <algorithm>

#include "common/base/units.h"
#include "tests/sim/oracle_finally.h"

namespace banyan::sim {
namespace {

constexpr Duration watch_every = milliseconds{250};
constexpr Duration tables_empty_after = seconds{12};  // longer than the request table keeps
constexpr Duration moved_after = milliseconds{200};

Duration duration_after(const Words& words, const std::string& word) {
  const auto it = std::find(words.begin(), words.end(), word);
  if (it == words.end() || it + 1 == words.end()) return Duration{0};
  return parse_duration(*(it + 1)).value_or(Duration{0});
}

std::string word_at(const Words& words, std::size_t index) {
  return index < words.size() ? words[index] : "";
}

// "rolling 2 1": two at a time, none after one failure.
std::string batches_of(const Words& words) {
  const auto it = std::find(words.begin(), words.end(), "rolling");
  const auto index = static_cast<std::size_t>(it - words.begin());
  std::string more = R"(,"max_parallel":)" + word_at(words, index + 1);
  const std::string failures = word_at(words, index + 2);
  if (!failures.empty()) more += R"(,"stop_after_failures":)" + failures;
  return more;
}

bool has(const Words& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

Play::Play(const Scenario& scenario, std::uint64_t seed)
    : scenario_(scenario),
      world_(seed, scenario.topology, scenario.options),
      workload_(world_),
      always_(world_) {
  for (const std::string& what : scenario.tampers) tamper(what);
}

void Play::tamper(const std::string& what) {
  if (!world_.network().tamper().add(what)) wrong_ += "tamper " + what + "? ";
}

void Play::later(Duration delay, std::function<void()> what) {
  world_.at(world_.now() + delay, std::move(what));
}

void Play::schedule(const Action& action, Time time) {
  if (time >= end_) return;
  world_.at(time, [this, &action, time] {
    perform(action.words);
    const bool again = action.every.count() > 0 &&
                       (action.to.count() == 0 || time < World::beginning() + action.to);
    if (again) schedule(action, time + action.every);
  });
}

void Play::watch() {
  always_.check();
  later(watch_every, [this] { watch(); });
}

Findings Play::run() {
  end_ = World::beginning() + scenario_.length;
  for (const Action& action : scenario_.actions) schedule(action, World::beginning() + action.at);
  watch();
  world_.run_until(end_);
  heal();
  world_.run_for(scenario_.quiet);
  Findings findings = always_.findings();
  if (!wrong_.empty()) findings.add("", "not understood: " + wrong_);
  check_finally(world_, workload_, findings);
  check_expectations(scenario_, *this, findings);
  workload_.hang_up_readers();
  world_.run_for(tables_empty_after);
  check_tables(world_, findings);
  return findings;
}

// All faults end but death: connections work, everybody runs, doubles are gone.
void Play::heal() {
  world_.network().heal(world_.now());
  world_.network().set_delay(Delay{});
  for (const std::string& host : doubles_) world_.crash(host, true);
  for (const auto& [name, host] : world_.hosts()) {
    host->machine().set_forks_failing(false);
    host->disk().full = false;
    world_.slow(name, Duration{0});
    world_.thaw(name);
    if (!dead_.contains(name) && !doubles_.contains(name)) world_.restart(name);
  }
}

void Play::perform(const Words& words) {
  const std::string& verb = words[0];
  static const std::set<std::string> links{"cut", "sever", "lose", "block", "delay", "tamper"};
  static const std::set<std::string> asked{"command", "read", "log", "kill-target"};
  if (links.contains(verb)) return perform_link(words);
  const bool known = world_.hosts().contains(word_at(words, 1));
  if (asked.contains(verb)) return perform_workload(words);
  if (verb == "join") return join(words);
  if (!known) {
    wrong_ += "no host " + word_at(words, 1) + " ";
    return;
  }
  perform_host(words);
}

void Play::perform_link(const Words& words) {
  const std::string& verb = words[0];
  Network& network = world_.network();
  const std::string first = word_at(words, 1);
  const std::string second = word_at(words, 2);
  const Time until = world_.now() + duration_after(words, "for");
  if (verb == "cut") {
    if (!has(words, "down")) network.hold(first, second, Direction::up, until);
    if (!has(words, "up")) network.hold(first, second, Direction::down, until);
  } else if (verb == "sever") {
    const std::map<std::string, Told> told{
        {"none", Told::none}, {"child", Told::child}, {"parent", Told::parent}};
    const auto it = told.find(second);
    world_.sever(first, it == told.end() ? Told::both : it->second);
  } else if (verb == "lose") {
    network.lose(first, world_.parent_of(first), second == "up" ? Direction::up : Direction::down);
  } else if (verb == "block") {
    network.block(first, second, until);
  } else if (verb == "delay") {
    network.set_delay({parse_duration(first).value_or(milliseconds{1}),
                       parse_duration(second).value_or(milliseconds{1})});
  } else {
    tamper(first);
  }
}

void Play::perform_host(const Words& words) {
  const std::string& verb = words[0];
  const std::string& name = words[1];
  const Duration period = duration_after(words, "for");
  NodeHost& host = world_.host(name);
  if (verb == "crash" || verb == "host-crash") {
    down(name, words, verb == "host-crash");
  } else if (verb == "die") {
    dead_.insert(name);
    world_.crash(name, true);
  } else if (verb == "stop") {
    world_.stop(name);
    if (period.count() == 0) dead_.insert(name);
    if (period.count() > 0) later(period, [this, name] { world_.restart(name); });
  } else if (verb == "freeze") {
    world_.freeze(name);
    later(period, [this, name] { world_.thaw(name); });
  } else if (verb == "slow") {
    world_.slow(name, parse_duration(word_at(words, 2)).value_or(milliseconds{1}));
    later(period, [this, name] { world_.slow(name, Duration{0}); });
  } else if (verb == "jump") {
    const std::string by = word_at(words, 2);
    const bool back = by.starts_with('-');
    const auto size = parse_duration(back ? by.substr(1) : by).value_or(Duration{0});
    const auto whole = std::chrono::duration_cast<milliseconds>(size);
    world_.jump(name, back ? -whole : whole);
  } else if (verb == "move") {
    move(name, word_at(words, 2), has(words, "silent"));
  } else if (verb == "double") {
    add_double(words);
  } else if (verb == "flood") {
    world_.flood(name, static_cast<unsigned>(parse_size(word_at(words, 2)).value_or(1)));
  } else if (verb == "fork-fails") {
    host.machine().set_forks_failing(true);
    later(period, [this, name] { world_.host(name).machine().set_forks_failing(false); });
  } else if (verb == "disk-full") {
    host.disk().full = true;
    later(period, [this, name] { world_.host(name).disk().full = false; });
  } else {
    wrong_ += verb + "? ";
  }
}

void Play::perform_workload(const Words& words) {
  const std::string& verb = words[0];
  if (verb == "command") {
    return workload_.command(word_at(words, 1), word_at(words, 2), duration_after(words, "ttl"),
                             has(words, "rolling") ? batches_of(words) : "");
  }
  const std::string name = word_at(words, 1);
  if (!world_.hosts().contains(name)) return;
  if (verb == "read") {
    workload_.read(name, word_at(words, 2));
  } else if (verb == "log") {
    const auto lines = parse_size(word_at(words, 3)).value_or(1);
    world_.host(name).logs().write(word_at(words, 2), static_cast<unsigned>(lines));
  } else if (!dead_.contains(name)) {
    world_.host(name).machine().kill_one();
  }
}

void Play::down(const std::string& host, const Words& words, bool whole_host) {
  const Duration period = duration_after(words, "for");
  world_.crash(host, whole_host);
  if (period.count() == 0) return;
  later(period, [this, host] {
    if (!dead_.contains(host)) world_.restart(host);
  });
}

// Silent: the old parent cannot be reached for a while, so the node looks for the next one.
void Play::move(const std::string& host, const std::string& parent, bool silent) {
  if (silent) {
    const std::string old = world_.parent_of(host);
    if (old == parent || old.empty()) return;
    world_.network().block(host, old, world_.now() + 4 * scenario_.options.timeout);
    return world_.sever(host, Told::child);
  }
  world_.stop(host);
  world_.host(host).prefer(parent);
  later(moved_after, [this, host] {
    if (!dead_.contains(host)) world_.restart(host);
  });
}

void Play::add_double(const Words& words) {
  const NodeHost& original = world_.host(words[1]);
  const std::string name = word_at(words, 2);
  if (world_.hosts().contains(name)) return;
  NodeSpec spec = original.spec();
  spec.host = name;
  spec.parents = {word_at(words, 3)};
  if (has(words, "clone")) spec.instance = original.instance_number();
  doubles_.insert(name);
  world_.add(spec);
}

void Play::join(const Words& words) {
  NodeSpec spec;
  spec.host = spec.name = word_at(words, 1);
  if (has(words, "as")) spec.name = words.back();
  spec.role = word_at(words, 2);
  spec.parents = {word_at(words, 3)};
  if (spec.role == "leaf") spec.targets = {"api", "worker"};
  if (!world_.hosts().contains(spec.host)) world_.add(spec);
}

}  // namespace banyan::sim
