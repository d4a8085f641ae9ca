#pragma once
// One simulated host: a real role with its clock, its disk, its processes and its log files.
//
// The role lives from boot() to crash() or stop(); processes live on until the host itself ends.
// While it is frozen nothing is handed to the role; the world keeps what comes.

#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "leaf/leaf.h"
#include "relay/relay.h"
#include "root/root.h"
#include "tests/sim/log_book.h"
#include "tests/sim/machine.h"
#include "tests/sim/node_clock.h"
#include "tests/sim/spool_disk.h"
#include "tests/sim/store_disk.h"
#include "tests/sim/topology.h"

namespace banyan::sim {

struct CommitTime {};  // the root's store writes what is on its way
using HostEvent = std::variant<tree::LinkEvent, leaf::ProcessEvent, leaf::LogEvent, tree::HttpEvent,
                               StoreEvent, CommitTime>;

struct HostEffects {
  tree::LinkEffects links;
  std::vector<tree::HttpEffect> http;
};

// What stays over a restart of the program.
struct Disk {
  std::uint64_t attach = 0;
  std::map<std::string, bool> wanted;
  std::vector<v1::Update> picture;  // relay, root
  SpoolDisk spool;                  // leaf, relay
  StoreDisk store;                  // root
  bool full = false;                // what is to be kept from now on is not
};

struct HostOptions {
  std::uint64_t seed = 1;
  std::uint64_t instance = 1;
  NodeClock clock;
  Duration hb_interval = milliseconds{500};
  Duration timeout = milliseconds{2500};
};

class NodeHost {
 public:
  using Later = std::function<void(Duration, HostEvent)>;

  NodeHost(NodeSpec spec, HostOptions options, Later later);

  void boot(Time world, HostEffects& effects);
  void handle(const HostEvent& event, Time world, HostEffects& effects);
  // So many events of its own.
  void flood(unsigned events, Time world, HostEffects& effects);
  // Goodbye to the parent; the targets are kept.
  void stop(Time world, HostEffects& effects);
  // The program alone, or the host with everything that runs on it.
  void crash(bool whole_host);
  void freeze() { frozen_ = runs(); }
  void thaw() { frozen_ = false; }
  // Looks for its parents in this order from the next boot on.
  void prefer(const std::string& parent);

  const NodeSpec& spec() const { return spec_; }
  const std::string& name() const { return spec_.host; }
  std::string instance() const;
  std::uint64_t instance_number() const { return options_.instance; }
  Duration timeout() const { return options_.timeout; }
  Time booted() const { return booted_; }  // of the world
  std::uint64_t boot_random() const { return boot_random_; }
  std::uint64_t life() const { return life_; }  // rises with every boot
  bool runs() const { return role_.index() != 0; }
  bool frozen() const { return frozen_; }
  bool has_left() const { return left_; }  // said goodbye, and has not come back
  // The world's time at which the role wants to be called; `never` while it cannot be.
  Time wake() const;

  NodeClock& clock() { return options_.clock; }
  Disk& disk() { return disk_; }
  const Disk& disk() const { return disk_; }
  Machine& machine() { return machine_; }
  const Machine& machine() const { return machine_; }
  LogBook& logs() { return logs_; }
  const LogBook& logs() const { return logs_; }

  const Leaf* leaf() const { return get<Leaf>(); }
  const Relay* relay() const { return get<Relay>(); }
  const Root* root() const { return get<Root>(); }
  const tree::Mirror* mirror() const;  // null while it does not run
  const tree::Downlink* downlink() const;
  const tree::Uplink* uplink() const;
  const tree::Router* router() const;
  const tree::EventOutbox* events() const;  // leaf, relay

 private:
  template <class Role>
  Role* get() const {
    const auto* role = std::get_if<std::unique_ptr<Role>>(&role_);
    return role == nullptr ? nullptr : role->get();
  }
  tree::Identity identity(Now now);
  tree::NodeConfig config() const;
  void boot_leaf(const tree::Identity& identity, Time world, HostEffects& effects);
  template <class Role>
  void restore(Role& role) const;
  template <class Effects>
  void take(Effects& from, HostEffects& effects);
  void perform(LeafEffects& from, Time world, HostEffects& effects);
  void perform(RelayEffects& from, HostEffects& effects);
  void perform(RootEffects& from, HostEffects& effects);
  void boot_relay(const tree::Identity& identity, Now now, HostEffects& effects);
  void boot_root(const tree::Identity& identity, Now now, HostEffects& effects);
  StoreEvent commit();

  NodeSpec spec_;
  HostOptions options_;
  Random random_;
  Later later_;
  Disk disk_;
  Machine machine_;
  LogBook logs_;
  std::uint64_t life_ = 0;
  std::uint64_t boot_random_ = 0;
  Time booted_{};
  bool frozen_ = false;
  bool left_ = false;
  std::variant<std::monostate, std::unique_ptr<Leaf>, std::unique_ptr<Relay>, std::unique_ptr<Root>>
      role_;
};

}  // namespace banyan::sim
