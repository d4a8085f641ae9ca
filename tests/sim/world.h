#pragma once
// A simulated world: the real roles over the real codec, in virtual time, from a seed.
//
// One event at a time; the same seed gives the same run. Faults are calls; what must hold is asked
// by the oracles (oracle_*.h).

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/network.h"
#include "tests/sim/node_host.h"

namespace banyan::sim {

struct WorldOptions {
  Delay delay;
  Duration hb_interval = milliseconds{500};
  Duration timeout = milliseconds{2500};
  long drift = 0;          // clocks differ by up to so many parts per million
  milliseconds offset{0};  // wall clocks differ by up to so much
};

// What came to somebody who asked the root, so far.
struct Exchange {
  int status = 0;
  std::string body;
  bool over = false;
  Time last{};  // when something came
};

enum class Told { none, child, parent, both };

class World {
 public:
  World(std::uint64_t seed, const Topology& topology, WorldOptions options);
  ~World();

  void run_for(Duration duration) { run_until(now_ + duration); }
  void run_until(Time end);
  void at(Time time, std::function<void()> what);

  void add(const NodeSpec& spec);  // a new host; it starts at once
  void crash(const std::string& host, bool whole_host);
  void stop(const std::string& host);  // with a goodbye
  void restart(const std::string& host);
  void freeze(const std::string& host);
  void thaw(const std::string& host);
  void jump(const std::string& host, milliseconds by);
  void flood(const std::string& host, unsigned events);  // of a leaf or relay itself
  // Everything it is handed takes so long: what comes meanwhile waits, its own deadlines too.
  void slow(const std::string& host, Duration each);
  // Breaks the connection of a node to its parent, if there is one.
  void sever(const std::string& host, Told told);

  // Asks the root over HTTP; 0 when there is none. The answer is found by exchange().
  tree::ExchangeId ask(const std::string& method, const std::string& target,
                       const std::string& body = "");
  void hang_up(tree::ExchangeId exchange);
  const Exchange& exchange(tree::ExchangeId number) const { return exchanges_.at(number); }

  const std::map<std::string, std::unique_ptr<NodeHost>>& hosts() const { return hosts_; }
  NodeHost& host(const std::string& name) { return *hosts_.at(name); }
  const NodeHost& host(const std::string& name) const { return *hosts_.at(name); }
  const NodeHost& root() const { return *hosts_.at(root_); }
  // The host a node has a connection to, or prefers; "" for the root.
  std::string parent_of(const std::string& host) const;
  std::string path_of(const std::string& host) const;

  // Since when it has neither begun nor woken.
  Time settled_since(const std::string& host) const { return settled_.at(host); }

  Network& network() { return network_; }
  const Network& network() const { return network_; }
  Random& random() { return random_; }
  Time now() const { return now_; }
  static Time beginning() { return Time{seconds{1'000}}; }
  // The host's wall clock, ms.
  std::int64_t wall_ms_of(const std::string& host);
  const std::vector<std::string>& log() const { return log_; }  // of warnings, the newest 1,000

 private:
  struct Item {  // something that will happen to a host, unless it lives another life by then
    std::string host;
    std::uint64_t life = 0;
    std::shared_ptr<Link> link;  // frames and closings
    HostEvent event;
    std::function<void()> what;  // instead, for the world itself
  };

  struct Pace {  // of a slow host
    Duration each{0};
    Time busy_until{};
    std::deque<Item> backlog;
  };

  void push(Duration delay, const std::string& host, HostEvent event);
  void push_closing(const std::shared_ptr<Link>& link, bool to_child, Duration delay);
  void deliver(Item& item);
  void handle(NodeHost& host, const HostEvent& event);
  void refresh(const NodeHost& host);
  void work_on(const std::string& host);
  void step_deadlines();
  void perform(NodeHost& host, HostEffects& effects);
  void perform(NodeHost& host, const tree::HttpEffect& effect);
  void dial(NodeHost& host, const tree::DialParent& dial);
  void send(const std::shared_ptr<Link>& link, Direction direction, std::string bytes);
  void hang_up_link(const std::shared_ptr<Link>& link);
  void close(const std::shared_ptr<Link>& link, Told told);
  void drop_links(const std::string& host);
  std::shared_ptr<Link> uplink(const std::string& host, tree::ConnId conn) const;

  WorldOptions options_;
  Random random_;
  Network network_;
  Time now_ = beginning();
  std::string root_;
  std::map<std::string, std::unique_ptr<NodeHost>> hosts_;
  std::map<std::string, Time> wakes_;
  std::map<std::string, Time> settled_;
  std::map<std::string, std::vector<Item>> waiting_;  // what comes while a host is frozen
  std::map<std::string, Pace> paces_;
  std::map<std::string, std::shared_ptr<Link>> uplinks_;     // by child
  std::map<tree::ConnId, std::shared_ptr<Link>> downlinks_;  // by the parent's number
  std::multimap<Time, Item> queue_;
  std::map<tree::ExchangeId, Exchange> exchanges_;
  tree::ExchangeId last_exchange_ = 0;
  std::uint64_t last_instance_ = 0;
  std::vector<std::string> log_;
};

}  // namespace banyan::sim
